"""A second definition of every node, in plain loops over Python integers and fractions.

Written from the node's docstring and sharing no code with golden: no numpy arithmetic, so nothing
can wrap, round or broadcast.
"""

import itertools
import math
from fractions import Fraction

from hwgen.numeric import SpecError

ROUND = {
    "half_up": lambda q: math.floor(q + Fraction(1, 2)),
    "half_even": round,
    "half_away": lambda q: (-1 if q < 0 else 1) * math.floor(abs(q) + Fraction(1, 2)),
    "floor": math.floor,
    "toward_zero": math.trunc,
}


def thermometer(node, x):
    bits = []
    for value in x:
        for level in node.levels.tolist():
            bits.append(1 if value >= level else -1)
    return bits


def sliding_window(node, x, shape):
    (height, width, channels), (top, bottom, left, right) = shape, node.padding
    values = []
    for y0 in range(-top, height + bottom, node.stride[0]):
        for x0 in range(-left, width + right, node.stride[1]):
            ys = [y0 + k * node.dilation[0] for k in range(node.kernel[0])]
            xs = [x0 + k * node.dilation[1] for k in range(node.kernel[1])]
            if ys[-1] >= height + bottom or xs[-1] >= width + right:
                continue
            for y, x_, k in itertools.product(ys, xs, range(channels)):
                inside = 0 <= y < height and 0 <= x_ < width
                values.append(x[(y * width + x_) * channels + k] if inside else node.pad_value)
    return values


def max_pool(node, x, shape):
    (height, width, channels), (top, bottom, left, right) = shape, node.padding
    values = []
    for y0 in range(-top, height + bottom - node.size[0] + 1, node.stride[0]):
        for x0 in range(-left, width + right - node.size[1] + 1, node.stride[1]):
            for k in range(channels):
                values.append(max(x[(y * width + x_) * channels + k]
                                  for y in range(max(0, y0), min(height, y0 + node.size[0]))
                                  for x_ in range(max(0, x0), min(width, x0 + node.size[1]))))
    return values


def sum_pool(node, x, shape):
    height, width, channels = shape
    values = []
    for y0 in range(0, height - node.size[0] + 1, node.stride[0]):
        for x0 in range(0, width - node.size[1] + 1, node.stride[1]):
            for k in range(channels):
                total = 0
                for y, x_ in itertools.product(range(node.size[0]), range(node.size[1])):
                    total += x[((y0 + y) * width + x0 + x_) * channels + k]
                values.append(total)
    return values


def window_max(node, x, shape):
    return [max(taps) for taps in _channels(node, x, shape)]


def window_sum(node, x, shape):
    return [sum(taps) for taps in _channels(node, x, shape)]


def _channels(node, x, shape):
    """The taps of each channel of each window."""
    channels = shape[-1] // node.taps
    for start in range(0, len(x), shape[-1]):
        for k in range(channels):
            yield [x[start + tap * channels + k] for tap in range(node.taps)]


def flatten(node, x):
    return list(x)


def entries(weights):
    """Rows of a matrix: of one per channel from its docstring, of others as they say."""
    if weights.kind == "placed":
        return [[0 if place < 0 else int(weights.numbers[place]) * (
                     1 if weights.signs is None else int(weights.signs[k, i]))
                 for i, place in enumerate(row)] for k, row in enumerate(weights.places)]
    if weights.kind != "per-channel":
        return weights.to_dense().tolist()
    n_out, taps = len(weights.values), len(weights.values[0])
    channels = n_out // weights.multiplier
    rows = [[0] * (taps * channels) for _ in range(n_out)]
    for k, tap in itertools.product(range(n_out), range(taps)):
        rows[k][tap * channels + k // weights.multiplier] = int(weights.values[k][tap])
    return rows


def mat_vec(node, x):
    rows = entries(node.weights)
    bias = [0] * len(rows) if node.bias is None else node.bias.tolist()
    sums = []
    for first in range(0, len(x), len(rows[0])):
        for row, start in zip(rows, bias, strict=True):
            total = start
            for weight, value in zip(row, x[first:first + len(row)], strict=True):
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


def doubling_high(a, b):
    """As C writes it: the product, a nudge towards its sign, and a division that truncates."""
    if a == b == -(2**31):
        return 2**31 - 1
    nudge = 2**30 if a * b >= 0 else 1 - 2**30
    return math.trunc(Fraction(a * b + nudge, 2**31))


def divide_by_power_of_two(value, exponent):
    """As C writes it: a shift, and the remainder against a threshold that depends on the sign."""
    mask = 2**exponent - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> exponent) + ((value & mask) > threshold)


def rescaled(node, value, multiplier, shift):
    further = node.slope_shift if value < 0 else 0
    if node.rounding == "doubling_high":
        left, right = (-shift, 0) if shift < 0 else (0, shift)
        return divide_by_power_of_two(doubling_high(value * 2**left, multiplier), right + further)
    return ROUND[node.rounding](Fraction(value * multiplier, 2 ** (shift + further)))


def requantise(node, x):
    multipliers = node.multiplier.reshape(-1).tolist()
    multipliers = multipliers * (len(x) // len(multipliers))
    shifts = [node.shift] if isinstance(node.shift, int) else node.shift.tolist()
    shifts = shifts * (len(x) // len(shifts))
    least = -(2 ** (node.format.bits - 1)) if node.format.signed else 0
    most = least + 2**node.format.bits - 1
    least = least if node.low is None else node.low
    most = most if node.high is None else node.high
    values = []
    for value, multiplier, shift in zip(x, multipliers, shifts, strict=True):
        rounded = rescaled(node, value, multiplier, shift) + node.zero_point
        values.append(least if rounded < least else most if rounded > most else rounded)
    return values


def table(node, x):
    entries = dict(enumerate(node.values.tolist(), start=node.first))
    return [entries[value] for value in x]


def piecewise(node, x):
    values = []
    for value in x:
        segment, place = divmod(value - node.first, node.length)
        line = Fraction(int(node.bases[segment]) + int(node.slopes[segment]) * place)
        rounded = ROUND["half_up"](line / 2**node.shift)
        values.append(min(max(rounded, node.format.min), node.format.max))
    return values


def add(node, *xs):
    shifts = node.shifts
    return [sum(values[k] * 2 ** shifts[k] for k in range(len(shifts)))
            for values in zip(*xs, strict=True)]


def argmax(node, x):
    left, ranked = list(range(len(x))), []
    for _ in range(node.k):
        best = left[0]
        for index in left:
            if x[index] > x[best]:
                best = index
        ranked.append(best)
        left.remove(best)
    return ranked


KINDS = {"thermometer": thermometer, "sliding_window": sliding_window, "mat_vec": mat_vec,
         "threshold": threshold, "requantise": requantise, "table": table, "piecewise": piecewise,
         "max_pool": max_pool, "sum_pool": sum_pool,
         "window_max": window_max, "window_sum": window_sum,
         "flatten": flatten, "add": add, "argmax": argmax}

OF_MAPS = ("sliding_window", "max_pool", "sum_pool", "window_max", "window_sum")
"""Kinds that must know the shape of what they read."""


def run(network, vector):
    """Name -> list of Python ints, elements in C order, for one ``vector`` of the input."""
    values = {network.nodes[0].name: [int(v) for v in vector.reshape(-1)]}
    for node in network.nodes[1:]:
        shape = (network.edges[node.inputs[0]].shape,) if node.kind in OF_MAPS else ()
        read = [values[name] for name in node.inputs]
        values[node.name] = KINDS[node.kind](node, *read, *shape)
    return values
