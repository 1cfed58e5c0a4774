"""A second definition of every node, in plain loops over Python integers and fractions.

Written from the node's docstring and sharing no code with golden: no numpy arithmetic, so nothing
can wrap, round or broadcast.
"""

import math
from fractions import Fraction

from hwgen.numeric import SpecError

ROUND = {
    "half_up": lambda q: math.floor(q + Fraction(1, 2)),
    "half_even": round,
    "floor": math.floor,
    "toward_zero": math.trunc,
}


def thermometer(node, x):
    bits = []
    for value in x:
        for level in node.levels.tolist():
            bits.append(1 if value >= level else -1)
    return bits


def mat_vec(node, x):
    rows = node.weights.to_dense().tolist()
    bias = [0] * len(rows) if node.bias is None else node.bias.tolist()
    sums = []
    for row, start in zip(rows, bias, strict=True):
        total = start
        for weight, value in zip(row, x, strict=True):
            total += weight * value
        sums.append(total)
    return sums


def threshold(node, x):
    rows, inverted = node.thresholds.tolist(), node.invert.tolist()
    levels = sorted(set(node.format.decode(codes(node.format)).tolist()))
    values = []
    for position, value in enumerate(x):
        channel = position % len(rows)
        row = rows[channel] if isinstance(rows[channel], list) else [rows[channel]]
        index = sum(value >= limit for limit in row)
        values.append(levels[len(row) - index if inverted[channel] else index])
    return values


def codes(fmt):
    """The codes that ``fmt`` uses, by trying each."""
    used = []
    for code in range(2**fmt.bits):
        try:
            fmt.decode([code])
        except SpecError:
            continue
        used.append(code)
    return used


def requantise(node, x):
    multipliers = node.multiplier.reshape(-1).tolist()
    if len(multipliers) == 1:
        multipliers = multipliers * len(x)
    least = -(2 ** (node.format.bits - 1)) if node.format.signed else 0
    most = least + 2**node.format.bits - 1
    values = []
    for value, multiplier in zip(x, multipliers, strict=True):
        rounded = ROUND[node.rounding](Fraction(value * multiplier, 2**node.shift))
        values.append(least if rounded < least else most if rounded > most else rounded)
    return values


def argmax(node, x):
    best = 0
    for index, value in enumerate(x):
        if value > x[best]:
            best = index
    return [best]


KINDS = {"thermometer": thermometer, "mat_vec": mat_vec, "threshold": threshold,
         "requantise": requantise, "argmax": argmax}


def run(network, vector):
    """Name -> list of Python ints, elements in C order, for one ``vector`` of the input."""
    values = {network.nodes[0].name: [int(v) for v in vector.reshape(-1)]}
    for node in network.nodes[1:]:
        values[node.name] = KINDS[node.kind](node, values[node.inputs[0]])
    return values
