"""Networks of one structure with other weights, for cores that load them."""

from dataclasses import replace

import numpy as np
from cases.networks import FORMATS, draw, fixed, weights

from hwgen.ir import (
    Argmax,
    Flatten,
    Input,
    MatVec,
    Network,
    PerChannel,
    PowerSums,
    Requantise,
    Shared,
    SlidingWindow,
    Threshold,
)
from hwgen.numeric import Bipolar, Codebook, Fixed, Planes, PowerOfTwo, Ternary

__all__ = ["CHANNELS", "PLANES", "POWERS", "SHARED", "channels", "other_weights", "planes",
           "two_networks"]


def other_weights(network, *, seed=1, fill="random", bias=100):
    """``network`` with other weights, and biases of at most ``bias``, in every matrix node.

    Thresholds are drawn anew, from all that there can be: some are always reached, some never.
    """
    rng, nodes = np.random.default_rng(seed), []

    def changed(node):
        if isinstance(node, Threshold):
            return _thresholds(rng, node.name, nodes, node.format, always=0.2)
        if not isinstance(node, MatVec):
            return node
        shape = node.weights.shape
        biases = None if node.bias is None else rng.integers(-bias, bias + 1, shape[0])
        return replace(node, weights=_other(rng, node.weights, fill), bias=biases)

    for each in network.nodes:
        nodes.append(changed(each))
    return Network(network.name, tuple(nodes), network.outputs)


def _other(rng, matrix, fill):
    """Another matrix of the same kind, shape and formats."""
    if isinstance(matrix, PowerSums):
        terms = matrix.codes.reshape(-1, matrix.shape[1])
        drawn = weights(rng, terms.shape, matrix.term_format, fill=fill)
        codes = matrix.term_format.encode(drawn.values).reshape(matrix.codes.shape)
        return PowerSums(codes, matrix.exponents, matrix.bases)
    if isinstance(matrix, Shared):
        return _shared(rng, matrix, fill)
    if isinstance(matrix, PerChannel):
        drawn = weights(rng, matrix.values.shape, matrix.format, fill=fill)
        return PerChannel(drawn.values, matrix.format, matrix.multiplier)
    return weights(rng, matrix.shape, matrix.format, fill=fill)


def _shared(rng, matrix, fill):
    """Other centroids, of as many bits, one fewer but 0 where there are several; or one end."""
    ends = Fixed.covering(min(-1, matrix.format.min), max(0, matrix.format.max))
    if fill in ("min", "max"):
        return Shared(np.zeros(matrix.shape, np.int64), np.array([getattr(ends, fill)]))
    count = max(1, np.count_nonzero(matrix.centroids) - 1)
    values = np.setdiff1d(np.arange(ends.min, ends.max + 1), [0])
    some = np.append(rng.choice(values[1:-1], count - 1, replace=False), 0)
    centroids = np.unique(np.append(some, rng.choice(values[[0, -1]])))
    return Shared(rng.integers(0, len(centroids), matrix.shape), centroids)


def two_networks(build=None, **options):
    """8-bit weights unless told otherwise, with biases behind the first and the third matrix."""
    network = build() if build else fixed(**{"fmt": Fixed(8), "sizes": (6, 8, 4, 4)} | options)
    return network, other_weights(network)


def planes(*, formats, activation, sizes=(6, 8, 4, 4), x=None, seed=0):
    """Matrices of ``formats`` in turn, thresholds of ``activation`` between them, argmax.

    Biases behind the first and the third matrix. With an ``activation`` of Fixed(5) there is a
    `Requantise` in place of thresholds.
    """
    rng = np.random.default_rng([seed, *sizes])
    nodes = [Input("x", (), (sizes[0],), x or Fixed(4, signed=False))]
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        matrix = weights(rng, (n_out, n_in), formats[(k - 1) % len(formats)])
        bias = rng.integers(-9, 9, n_out, endpoint=True) if k % 2 else None
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), matrix, bias))
        if k < len(sizes) - 1 and activation == Fixed(5):
            nodes.append(Requantise(f"act{k}", (nodes[-1].name,), np.array([3]), 3, "half_up",
                                    activation))
        elif k < len(sizes) - 1:
            nodes.append(_thresholds(rng, f"act{k}", nodes, activation))
    scores = nodes[-1].name
    nodes.append(Argmax("argmax", (scores,)))
    return Network("case-planes", nodes, (scores, "argmax"), {"seed": seed})


def _thresholds(rng, name, nodes, fmt, *, always=0.0):
    """Random thresholds of the last of ``nodes``; of some channels one end or the other."""
    edge = Network("part", nodes, (nodes[-1].name,)).edges[nodes[-1].name]
    n, steps = edge.shape[-1], len(fmt.levels) - 1
    middle, spread = (edge.lo + edge.hi) // 2, max(1, (edge.hi - edge.lo) // 8)
    table = middle + rng.integers(-spread, spread, (n, steps), endpoint=True)
    ends = rng.random((n, steps)) < always
    table = np.where(ends, draw(rng, (n, steps), Bipolar()) * (edge.hi - edge.lo) + middle, table)
    table = np.sort(table.clip(edge.lo, edge.hi + 1), axis=1)
    return Threshold(name, (nodes[-1].name,), table if steps > 1 else table[:, 0],
                     rng.random(n) < 0.4, fmt)


PLANES = {
    "signs": lambda: planes(formats=[Bipolar()], activation=Bipolar(), x=Bipolar()),
    "wide-first": lambda: planes(formats=[Fixed(4), Bipolar()], activation=Bipolar()),
    "ternary": lambda: planes(formats=[Ternary()], activation=Fixed(2, signed=False)),
    "two-scales": lambda: planes(formats=[Planes((3, -2))], activation=Ternary()),
    "bases": lambda: planes(formats=[Planes.of_bases((5, 2)), Planes.of_bases((3,))],
                            activation=Planes.of_bases((2, 1)), x=Fixed(2)),
    "mixed": lambda: planes(formats=[Fixed(3), Ternary(), Bipolar()],
                            activation=Fixed(2, signed=False)),
    "requantised": lambda: planes(formats=[Bipolar(), Fixed(2), Fixed(1, signed=False)],
                                  activation=Fixed(5)),
}
"""Name -> builder of a network whose weights the binary core loads."""


def _sums(exponents, bases):
    """Makes sums of powers, of random terms, of the shape of a matrix."""
    def made(values):
        rng = np.random.default_rng(values.shape)
        term = PowerOfTwo(exponents)
        codes = term.encode(draw(rng, (len(bases), *values.shape), term))
        return PowerSums(codes, exponents, bases)

    return made


POWERS = {
    "inq": lambda: fixed(sizes=(6, 8, 4, 4), given_as=_sums(5, (0,))),
    "one-exponent": lambda: fixed(sizes=(6, 4, 4), given_as=_sums(1, (2,))),
    "eight": lambda: fixed(sizes=(6, 8, 4, 4), given_as=_sums(8, (0,))),
    "two-terms": lambda: fixed(sizes=(6, 8, 4, 4), given_as=_sums(5, (0, 2))),
    "dense": lambda: fixed(sizes=(6, 8, 4, 4), fmt=PowerOfTwo(4)),
    "signs": lambda: fixed(sizes=(6, 8, 4, 4), given_as=_sums(5, (0,)), x=Bipolar()),
    "larger": lambda: fixed(sizes=(32, 16, 10, 4), given_as=_sums(5, (0,))),
}
"""The same of the shift core."""

SHARED = {
    "five": lambda: fixed(sizes=(8, 6, 9, 4), fmt=FORMATS[-1], given_as=Shared.of),
    "larger": lambda: fixed(sizes=(32, 16, 10, 4), fmt=FORMATS[-1], given_as=Shared.of),
    "one": lambda: fixed(sizes=(4, 6, 4), fmt=Codebook((5,)), given_as=Shared.of),
    "no-zero": lambda: fixed(sizes=(8, 4, 4), fmt=Codebook((-3, 2, 7)), given_as=Shared.of,
                             x=Bipolar()),
}
"""The same of the codebook core."""


def channels(*, shape=(3, 3, 4), kernel=(2, 3), multiplier=1, fmt=Fixed(5), bias=True, x=None,
             dense=True):
    """A depthwise convolution of ``kernel``, padded to its map's size; none where it is (1, 1).

    With ``dense`` a `Requantise` and one matrix on the flattened map follow, and an argmax.
    """
    rng = np.random.default_rng([*shape, *kernel, multiplier])
    nodes, (*_, count) = [Input("x", (), shape, x or Fixed(6))], shape
    if kernel != (1, 1):
        nodes.append(SlidingWindow("win", ("x",), kernel, padding=(0, kernel[0] - 1, 1, 1)))
    values = weights(rng, (count * multiplier, kernel[0] * kernel[1]), fmt).values
    biases = rng.integers(-30, 31, len(values)) if bias else None
    nodes.append(MatVec("dw", (nodes[-1].name,), PerChannel(values, fmt, multiplier), biases))
    if not dense:
        return Network("case-channels", nodes, ("dw",))
    nodes += [Requantise("act", ("dw",), np.array([3]), 6, "half_up", Fixed(5, signed=False)),
              Flatten("flat", ("act",))]
    size = Network("part", nodes, ("flat",)).edges["flat"].size
    nodes += [MatVec("fc", ("flat",), weights(rng, (3, size), Fixed(4))), Argmax("argmax", ("fc",))]
    return Network("case-channels", nodes, ("fc", "argmax"))


CHANNELS = {
    "separable": channels,
    "twice": lambda: channels(multiplier=2, bias=False, shape=(2, 2, 2)),
    "wide": lambda: channels(shape=(1, 2, 6), kernel=(1, 3), fmt=Fixed(8),
                             x=Fixed(8, signed=False)),
    "signs": lambda: channels(kernel=(1, 1), shape=(2, 2, 3), x=Bipolar(), multiplier=3),
    "scales": lambda: channels(kernel=(1, 1), shape=(5,), bias=False, dense=False),
    "larger": lambda: channels(shape=(8, 8, 16), kernel=(3, 3), fmt=Fixed(8), x=Fixed(8)),
    "one": lambda: channels(kernel=(1, 1), shape=(1,), bias=False, dense=False, fmt=Fixed(8)),
}
"""The same of the depthwise core."""
