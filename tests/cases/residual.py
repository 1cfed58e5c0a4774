"""Small networks whose streams fork and join again, for every test layer."""

import numpy as np

from hwgen.ir import (
    Add,
    Argmax,
    Dense,
    Flatten,
    Input,
    MatVec,
    MaxPool,
    Network,
    Requantise,
    SlidingWindow,
)
from hwgen.numeric import Fixed

__all__ = ["BRANCHES", "dense_block", "residual", "same_twice", "sums_of_the_input"]

ACTIVATION, WEIGHT = Fixed(5, 0, False), Fixed(4)


class _Builder:
    """Nodes one after another; each method adds some and returns the name of the last."""

    def __init__(self, shape, seed):
        self.rng = np.random.default_rng([seed, *shape])
        self.nodes = [Input("x", (), shape, ACTIVATION)]

    def edge(self, name):
        return Network("part", self.nodes, (name,)).edges[name]

    def append(self, node):
        self.nodes.append(node)
        return node.name

    def narrow(self, name, source):
        """As few bits as an activation has: some values saturate, some round."""
        edge = self.edge(source)
        spare = max(edge.hi, -edge.lo).bit_length() - ACTIVATION.bits
        return self.append(Requantise(name, (source,), [1], max(0, spare + 1), "half_up",
                                      ACTIVATION))

    def matrix(self, name, source, n):
        shape = n, self.edge(source).shape[-1]
        weights = self.rng.integers(WEIGHT.min, WEIGHT.max, shape, endpoint=True)
        return self.append(MatVec(name, (source,), Dense(weights, WEIGHT)))

    def layer(self, name, source, n, kernel=1):
        """A matrix, of windows if ``kernel`` is not 1, and what narrows it."""
        if kernel > 1:
            source = self.append(SlidingWindow(f"{name}_win", (source,), (kernel, kernel), (1, 1),
                                               (1, 1), (kernel // 2,) * 4, 0))
        return self.narrow(f"{name}_act", self.matrix(name, source, n))

    def scores(self, source, n):
        """A matrix on the flattened map, and the class."""
        if len(self.edge(source).shape) > 1:
            source = self.append(Flatten("flat", (source,)))
        scores = self.matrix("fc", source, n)
        self.append(Argmax("class", (scores,)))
        return Network("case-branches", self.nodes, (scores, "class"))


def residual(*, seed=0, shape=(5, 4, 2), stem=True, skip="plain", scores=3):
    """Two convolutions of 3 x 3 beside a skip: ``plain``, a ``convolution`` of 1 x 1, or ``both``.

    Without a ``stem`` in front it is the input itself that forks.
    """
    build = _Builder(shape, seed)
    source = build.layer("stem", "x", 3, kernel=3) if stem else "x"
    n = build.edge(source).shape[-1] if skip == "plain" else 4
    terms = [build.layer("conv2", build.layer("conv1", source, 3, kernel=3), n, kernel=3)]
    if skip != "plain":
        terms.append(build.layer("skip", source, n))
    if skip == "both":
        terms.append(build.layer("middle", source, n, kernel=3))
    if skip == "plain":
        terms.append(source)
    total = build.append(Add("sum", tuple(terms), (0,) * len(terms)))
    pool = build.append(MaxPool("pool", (build.narrow("act", total),), (2, 2), (2, 2)))
    return build.scores(pool, scores)


def dense_block(*, seed=0, sizes=(6, 8, 5)):
    """A layer, two more beside a skip, and the scores."""
    build = _Builder(sizes[:1], seed)
    first = build.layer("first", "x", sizes[1])
    second = build.layer("third", build.layer("second", first, sizes[2]), sizes[1])
    total = build.append(Add("sum", (second, first), (0, 0)))
    return build.scores(build.narrow("act", total), 3)


def same_twice():
    """A value added to itself, at once."""
    build = _Builder((6,), 0)
    total = build.append(Add("sum", ("x", "x"), (0, 0)))
    return build.scores(build.narrow("act", total), 3)


def sums_of_the_input():
    """Two joins behind one fork, one of them within a branch of the other."""
    build = _Builder((6,), 0)
    inner = build.append(Add("inner", (build.layer("first", "x", 6), "x"), (0, 0)))
    outer = build.layer("second", build.narrow("low", inner), 6)
    total = build.append(Add("sum", ("x", outer, "x"), (0, 0, 0)))
    return build.scores(build.narrow("act", total), 3)


BRANCHES = {
    "dense": dense_block,
    "nested": sums_of_the_input,
    "twice": same_twice,
    "plain": residual,
    "convolution": lambda: residual(skip="convolution"),
    "three": lambda: residual(skip="both", shape=(4, 4, 1)),
    "input": lambda: residual(stem=False, shape=(4, 5, 2)),
}
"""Name -> builder."""
