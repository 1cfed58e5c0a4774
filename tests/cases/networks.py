"""Small networks and inputs that every test layer shares: the same for the same arguments.

`NETWORKS` names builders; a builder makes its network anew, so no test changes another's. `inputs`
gives vectors for any network: the extremes of its format first, then random ones.
"""

import random

import numpy as np

from hwgen.ir import (
    Argmax,
    Dense,
    Flatten,
    Input,
    MatVec,
    MaxPool,
    Network,
    PowerSums,
    Requantise,
    Shared,
    SlidingWindow,
    Thermometer,
    Threshold,
)
from hwgen.numeric import ROUNDINGS, Bipolar, Codebook, Fixed, PowerOfTwo, Ternary

__all__ = ["FORMATS", "NETWORKS", "binary", "convolution", "draw", "fixed", "inputs", "sparse",
           "two_convolutions", "weights"]

SIGNED, WEIGHT, ACTIVATION = Fixed(8), Fixed(6), Fixed(5, signed=False)
FORMATS = (WEIGHT, Bipolar(), Ternary(), PowerOfTwo(4), Codebook((-9, -1, 0, 4, 30)))


def weights(rng, shape, fmt, *, fill="random", density=1.0):
    """`Dense` of ``shape`` whose entries in ``fmt`` are random, all least, all most or of both.

    Of ``density`` below 1 at least one entry stays where zero is a value of the format.
    """
    values = {
        "random": lambda: draw(rng, shape, fmt),
        "min": lambda: np.full(shape, fmt.min),
        "max": lambda: np.full(shape, fmt.max),
        "extremes": lambda: rng.choice([fmt.min, fmt.max], shape),
    }[fill]()
    if density < 1:
        count = max(1, round(density * values.size))
        keep = rng.permutation(values.size) < count
        values = np.where(keep.reshape(shape), values, 0)
    return Dense(values, fmt)


def draw(rng, shape, fmt):
    """int64 of ``shape``, each value of ``fmt`` equally likely."""
    if isinstance(fmt, Fixed):
        return rng.integers(fmt.min, fmt.max, shape, endpoint=True)
    every = np.arange(fmt.min, fmt.max + 1)
    return rng.choice(every[fmt.allowed(every)], shape)


def binary(*, seed=0, sizes=(5, 14, 11, 4), levels=(2, 5, 9), fill="random", first=None):
    """Thermometer (``levels`` not None) or wide first weights, XNOR layers, argmax.

    ``sizes`` are those of the vectors: input, hidden ..., scores. ``first`` is the format of the
    first weights where there is no thermometer.
    """
    rng = np.random.default_rng([seed, len(sizes), *sizes])
    nodes = [Input("x", (), (sizes[0],), Fixed(4, signed=False))]
    if levels is not None:
        nodes.append(Thermometer("code", ("x",), levels))
    edge = nodes[-1].name
    for k, n_out in enumerate(sizes[1:], start=1):
        n_in = Network("part", nodes, (edge,)).edges[edge].size
        fmt = (first or SIGNED) if levels is None and k == 1 else Bipolar()
        nodes.append(MatVec(f"fc{k}", (edge,), weights(rng, (n_out, n_in), fmt, fill=fill)))
        if k < len(sizes) - 1:
            nodes.append(_threshold(rng, f"bn{k}", nodes))
        edge = nodes[-1].name
    nodes.append(Argmax("argmax", (edge,)))
    return Network("case-binary", nodes, (edge, "argmax"), {"seed": seed})


def _threshold(rng, name, nodes):
    """Thresholds around the middle of the proven range; of four or more, one always, one never."""
    edge = Network("part", nodes, (nodes[-1].name,)).edges[nodes[-1].name]
    middle, spread = (edge.lo + edge.hi) // 2, max(1, (edge.hi - edge.lo) // 8)
    thresholds = middle + rng.integers(-spread, spread, edge.shape[-1:], endpoint=True)
    if len(thresholds) >= 4:
        thresholds[:2] = edge.lo, edge.hi + 1
    thresholds = thresholds.clip(edge.lo, edge.hi + 1)
    return Threshold(name, (nodes[-1].name,), thresholds, rng.random(edge.shape[-1:]) < 0.4)


def fixed(*, seed=0, sizes=(6, 7, 5, 4), fmt=WEIGHT, activation=ACTIVATION, rounding="half_up",
          fill="random", density=1.0, per_channel=True, x=SIGNED, given_as=None):
    """Fixed point layers with bias and `Requantise` between them, argmax at the end.

    ``fmt`` is the format of the weights, ``x`` of the input, ``activation`` of the hidden vectors;
    ``given_as`` makes another kind of matrix of weights' values.
    """
    rng = np.random.default_rng([seed, len(sizes), *sizes])
    nodes = [Input("x", (), (sizes[0],), x)]
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        matrix = weights(rng, (n_out, n_in), fmt, fill=fill, density=density)
        matrix = matrix if given_as is None else given_as(matrix.values)
        bias = rng.integers(-100, 100, n_out, endpoint=True) if k % 2 else None
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), matrix, bias))
        if k < len(sizes) - 1:
            nodes.append(_requantise(rng, f"rq{k}", nodes, activation, rounding, per_channel))
    scores = nodes[-1].name
    nodes.append(Argmax("argmax", (scores,)))
    return Network("case-fixed", nodes, (scores, "argmax"), {"seed": seed})


def _requantise(rng, name, nodes, activation, rounding, per_channel):
    """A scale with which some values saturate, some round, and some tie."""
    edge = Network("part", nodes, (nodes[-1].name,)).edges[nodes[-1].name]
    multiplier = rng.integers(1, 16, edge.shape[-1:] if per_channel else (1,))
    spare = max(edge.hi, -edge.lo).bit_length() - activation.bits
    return Requantise(name, (nodes[-1].name,), multiplier, max(0, spare + 1), rounding, activation)


def convolution(*, seed=0, shape=(6, 7, 2), channels=(3, 4), n_out=3, padding=0, stride=1,
                pool=True, fmt=None, x=ACTIVATION):
    """Convolutions of 3 x 3, a pool behind the first, then one matrix on the flattened map, argmax.

    Bipolar maps and weights behind the first layer; with ``fmt``, weights of that format and
    `Requantise` between layers.
    """
    rng = np.random.default_rng([seed, *shape, *channels])
    nodes = [Input("x", (), shape, x)]
    for k, n in enumerate(channels, start=1):
        edge = _edge(nodes)
        nodes.append(SlidingWindow(f"win{k}", (nodes[-1].name,), (3, 3), (stride, stride), (1, 1),
                                   (padding,) * 4, edge.format.max if k % 2 else edge.format.min))
        matrix = weights(rng, (n, 9 * edge.shape[2]), fmt or Bipolar())
        nodes.append(MatVec(f"conv{k}", (nodes[-1].name,), matrix))
        nodes.append(_threshold(rng, f"act{k}", nodes) if fmt is None
                     else _requantise(rng, f"act{k}", nodes, ACTIVATION, "half_up", True))
        if pool and k == 1:
            nodes.append(MaxPool("pool", (nodes[-1].name,), (2, 2), (2, 2)))
    nodes.append(Flatten("flat", (nodes[-1].name,)))
    matrix = weights(rng, (n_out, _edge(nodes).size), fmt or Bipolar())
    nodes += [MatVec("fc", ("flat",), matrix), Argmax("argmax", ("fc",))]
    return Network("case-convolution", nodes, ("fc", "argmax"), {"seed": seed})


def two_convolutions(seed):
    """Windows, strides, paddings, channels and pools drawn for a small map; None if one is void."""
    pick, rng = random.Random(seed), np.random.default_rng(seed)
    shape = pick.randint(5, 9), pick.randint(5, 9), pick.choice([1, 2, 4])
    nodes = [Input("x", (), shape, Bipolar())]
    for k in (1, 2):
        kernel = pick.randint(1, 3), pick.randint(1, 3)
        stride, padding = (1, 1) if pick.random() < 0.7 else (2, 2), pick.choice([0, 0, 1])
        rows, columns = (min(padding, size - 1) for size in kernel)
        window = SlidingWindow(f"win{k}", (nodes[-1].name,), kernel, stride, (1, 1),
                               (rows, rows, columns, columns), 1)
        if window.faults(_edge(nodes)):
            return None
        nodes.append(window)
        size = pick.choice([2, 4, 6]), _edge(nodes).shape[2]
        nodes.append(MatVec(f"conv{k}", (window.name,), weights(rng, size, Bipolar())))
        nodes.append(_threshold(rng, f"act{k}", nodes))
        pool = MaxPool(f"pool{k}", (nodes[-1].name,), (2, 2), (2, 2))
        if pick.random() < 0.4 and not pool.faults(_edge(nodes)):
            nodes.append(pool)
    nodes.append(Flatten("flat", (nodes[-1].name,)))
    nodes.append(MatVec("fc", ("flat",), weights(rng, (3, _edge(nodes).size), Bipolar())))
    return Network("net", nodes, ("fc",))


def _edge(nodes):
    """What the last of ``nodes`` makes."""
    return Network("part", nodes, (nodes[-1].name,)).edges[nodes[-1].name]


def rounding(mode):
    """A `fixed` network in which ties and negative fractions are common."""
    return fixed(seed=6, rounding=mode, fmt=Fixed(3), activation=Fixed(6), x=Fixed(4))


def sparse(*, seed=0, sizes=(12, 16, 8, 4), density=0.12, **options):
    """`fixed` with most weights 0; at low densities whole rows and columns."""
    return fixed(seed=seed, sizes=sizes, density=density, **options)


def inputs(network, count, *, seed=0):
    """int64 ``(count, *shape)``: all least, all most, all nearest to zero, alternating, random."""
    rng = np.random.default_rng(seed)
    shape, fmt = network.input.shape, network.input.format
    nearest = 0 if fmt.allowed(0) else fmt.max
    alternating = np.resize([fmt.max, fmt.min], shape)
    special = [np.full(shape, v) for v in (fmt.min, fmt.max, nearest)] + [alternating]
    x = draw(rng, (count, *shape), fmt)
    x[:len(special)] = special[:count]
    return x


NETWORKS = {
    "binary": binary,
    "binary-no-code": lambda: binary(seed=1, levels=None),
    "binary-ones": lambda: binary(seed=2, sizes=(1, 1, 1), levels=(7,)),
    "binary-one-score": lambda: binary(seed=3, sizes=(3, 4, 1)),
    "binary-least": lambda: binary(seed=4, fill="min"),
    "binary-most": lambda: binary(seed=5, fill="max"),
    "convolution": lambda: convolution(shape=(8, 9, 2)),
    "convolution-padded": lambda: convolution(seed=1, padding=1),
    "convolution-strided": lambda: convolution(seed=2, shape=(9, 7, 1), stride=2, pool=False),
    "convolution-fixed": lambda: convolution(seed=3, padding=1, channels=(2, 3), fmt=WEIGHT),
    "fixed": fixed,
    "fixed-ones": lambda: fixed(seed=1, sizes=(1, 1, 1)),
    "fixed-least": lambda: fixed(seed=2, fill="min"),
    "fixed-most": lambda: fixed(seed=3, fill="max"),
    "fixed-extremes": lambda: fixed(seed=4, fill="extremes", per_channel=False),
    "fixed-signed": lambda: fixed(seed=5, activation=Fixed(4), x=Fixed(5, signed=False)),
    **{f"fixed-{mode}": lambda mode=mode: rounding(mode) for mode in ROUNDINGS},
    **{f"fixed-{fmt.kind}": lambda fmt=fmt: fixed(seed=7, fmt=fmt) for fmt in FORMATS[1:]},
    "powers": lambda: fixed(seed=8, fmt=PowerOfTwo(5), given_as=lambda w: PowerSums.of(w, 5)),
    "shared": lambda: fixed(seed=9, sizes=(8, 6, 9, 4), fmt=FORMATS[-1], given_as=Shared.of),
    "sparse": sparse,
    "sparse-ones": lambda: sparse(seed=1, sizes=(1, 1, 1)),
    "sparse-empty-rows": lambda: sparse(seed=2, density=0.03),
    "sparse-ternary": lambda: sparse(seed=3, fmt=Ternary()),
}
"""Name -> builder; each case differs from its neighbours in one thing."""
