"""Random sound networks for hypothesis: any order of nodes, sizes from 1, extremes often."""

import numpy as np
from hypothesis import strategies as st

from hwgen.ir import (
    Add,
    Argmax,
    Dense,
    Flatten,
    Input,
    MatVec,
    MaxPool,
    Network,
    PerChannel,
    Placed,
    Requantise,
    SlidingWindow,
    SumPool,
    Table,
    Thermometer,
    Threshold,
    WindowMax,
    WindowSum,
)
from hwgen.numeric import (
    DOUBLING_HIGH,
    INT32,
    SCALINGS,
    Bipolar,
    Codebook,
    Fixed,
    Planes,
    PowerOfTwo,
    Ternary,
)

FIXED = st.builds(Fixed, st.integers(1, 9), st.just(0), st.booleans())
FORMATS = FIXED | st.sampled_from(
    [Bipolar(), Ternary(), PowerOfTwo(5), Codebook((-90, -1, 2, 77)), Codebook((3,)),
     Planes.of_bases((3, 1)), Planes((7, -4))])
LEVELS = st.sampled_from(
    [Bipolar(), Bipolar(), Fixed(2, signed=False), Fixed(2), Ternary(), Codebook((-9, 0, 7)),
     Planes.of_bases((5, 2)), Planes.of_bases((1, 1)), Planes((3, -4))])
SIZES = st.integers(1, 5)


def values_of(fmt):
    """One value of ``fmt``, the ends as likely as all between."""
    between = st.integers(0, 2**fmt.bits - 1).map(lambda code: nearest(fmt, code))
    return st.sampled_from([fmt.min, fmt.max]) | between


def nearest(fmt, code):
    every = np.arange(fmt.min, fmt.max + 1)
    every = every[fmt.allowed(every)]
    return int(every[code % len(every)])


def near(lo, hi):
    """An integer in ``lo .. hi``, the ends and the middle more often."""
    return st.sampled_from([lo, hi, (lo + hi) // 2]) | st.integers(lo, hi)


def array_of(draw, values, shape):
    count = int(np.prod(shape))
    drawn = draw(st.lists(values, min_size=count, max_size=count))
    return np.array(drawn, np.int64).reshape(shape)


def thermometer(draw, name, source, edge):
    levels = draw(st.sets(near(edge.lo + 1, edge.hi), min_size=1, max_size=4))
    return Thermometer(name, (source,), sorted(levels))


def per_channel(draw, n_in):
    """A matrix per channel for some number of channels that divides the inputs."""
    channels = draw(st.sampled_from([n for n in range(1, n_in + 1) if n_in % n == 0]))
    fmt, multiplier = draw(FIXED), draw(st.integers(1, 2))
    shape = channels * multiplier, n_in // channels
    return PerChannel(array_of(draw, values_of(fmt), shape), fmt, multiplier)


def placed(draw, n_out, n_in):
    """A matrix of up to three numbers with signs, and zeros; all numbers at places."""
    shape, fmt = (n_out, n_in), Fixed(draw(st.integers(2, 9)))
    places = array_of(draw, st.integers(-1, min(3, n_out * n_in) - 1), shape)
    used, which = np.unique(places[places >= 0], return_inverse=True)
    places[places >= 0] = which
    signs = array_of(draw, st.sampled_from([1, -1]), shape)
    numbers = array_of(draw, st.integers(-fmt.max, fmt.max), used.shape)
    return Placed(numbers, places, fmt, draw(st.sampled_from([None, signs])))


def mat_vec(draw, name, source, edge):
    fmt, n_out = draw(FORMATS), draw(SIZES)
    kind = draw(st.sampled_from(["dense", "dense", "channel", "placed"]))
    if kind == "placed":
        weights = placed(draw, n_out, edge.shape[-1])
    elif kind == "dense":
        weights = Dense(array_of(draw, values_of(fmt), (n_out, edge.shape[-1])), fmt)
    else:
        weights = per_channel(draw, edge.shape[-1])
    n_out = weights.shape[0]
    bias = draw(st.none() | st.just(1))
    if bias is not None:
        bias = array_of(draw, near(-1000, 1000), (n_out,))
    return MatVec(name, (source,), weights, bias)


def threshold(draw, name, source, edge):
    fmt, n = draw(LEVELS), edge.shape[-1]
    steps = len(fmt.levels) - 1
    table = np.sort(array_of(draw, near(edge.lo, edge.hi + 1), (n, steps)), axis=1)
    if steps == 1 and draw(st.booleans()):
        table = table[:, 0]
    return Threshold(name, (source,), table, array_of(draw, st.integers(0, 1), (n,)), fmt)


def requantise(draw, name, source, edge):
    shape, fmt = draw(st.sampled_from([(1,), edge.shape[-1:]])), draw(FIXED)
    rounding = draw(st.sampled_from(SCALINGS))
    least, multipliers = 0, st.integers(1, 40)
    if rounding == DOUBLING_HIGH:
        if edge.lo < INT32[0] or edge.hi > INT32[1]:
            rounding = "half_away"
        else:
            multipliers = st.sampled_from([INT32[0], -1, 0, 1 << 30, INT32[1]]) | st.integers(
                *INT32)
            least = max(-3, max(abs(edge.lo), abs(edge.hi), 1).bit_length() - 31)
    amounts = st.integers(least, 20)
    shift = draw(amounts | st.just(None))
    if shift is None:
        shift = array_of(draw, amounts, edge.shape[-1:])
    low, high = sorted(draw(st.tuples(values_of(fmt), values_of(fmt))))
    multiplier = array_of(draw, multipliers, shape)
    slope_shift = 0 if multiplier.min() < 0 else draw(st.sampled_from([0, 0, 1, 5]))
    return Requantise(name, (source,), multiplier, shift, rounding, fmt,
                      draw(st.sampled_from([None, low])), draw(st.sampled_from([None, high])),
                      slope_shift, draw(st.just(0) | values_of(fmt)))


def table(draw, name, source, edge):
    fmt = draw(FIXED)
    return Table(name, (source,), array_of(draw, values_of(fmt), (1 << edge.format.bits,)),
                 edge.format.min, fmt)


def sliding_window(draw, name, source, edge):
    kernel, stride, dilation = (draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
                                for _ in range(3))
    dilation = [d if (k - 1) * d < n else 1
                for k, d, n in zip(kernel, dilation, edge.shape, strict=False)]
    kernel = [min(k, n) for k, n in zip(kernel, edge.shape, strict=False)]
    most = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    padding = [draw(st.integers(0, most[side // 2])) for side in range(4)]
    return SlidingWindow(name, (source,), kernel, stride, dilation, padding,
                         draw(values_of(edge.format)))


def pool(draw, name, source, edge):
    size = [draw(st.integers(1, n)) for n in edge.shape[:2]]
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    if draw(st.booleans()):
        return SumPool(name, (source,), size, stride)
    padding = [draw(st.integers(0, size[side // 2] - 1)) for side in range(4)]
    return MaxPool(name, (source,), size, stride, padding)


def window_pool(draw, name, source, edge):
    taps = draw(st.sampled_from([n for n in range(1, 7) if edge.shape[-1] % n == 0]))
    return draw(st.sampled_from([WindowMax, WindowSum]))(name, (source,), taps)


def flatten(draw, name, source, edge):
    return Flatten(name, (source,))


def add(draw, name, edges, shape):
    """The sum of two or three values of ``shape`` that there are, perhaps of one twice."""
    same = [source for source, edge in edges.items()
            if edge.shape == shape and isinstance(edge.format, Fixed)]
    count, more = draw(st.integers(2, 3)), draw(st.integers(0, 2))
    inputs = draw(st.lists(st.sampled_from(same), min_size=count, max_size=count))
    fracs = [edges[source].format.frac for source in inputs]
    return Add(name, inputs, [max(fracs) - frac + more for frac in fracs])


def possible(edge):
    """The node kinds that may read ``edge``."""
    kinds = [threshold, requantise, window_pool]
    if isinstance(edge.format, Fixed) and edge.format.bits < 6:
        kinds.append(table)
    if edge.size < 200 and edge.shape[-1] < 40:
        kinds += [mat_vec, mat_vec]
    if len(edge.shape) == 1 and edge.size < 40 and edge.lo < edge.hi:
        kinds.append(thermometer)
    if len(edge.shape) == 3 and edge.size < 200:
        kinds += [sliding_window, sliding_window, pool, flatten]
    return kinds


@st.composite
def networks(draw):
    """A checked network of up to five nodes behind its input, perhaps with an argmax of drawn k."""
    small = st.integers(1, 3)
    shape = draw(st.tuples(SIZES) | st.tuples(small, SIZES) | st.tuples(SIZES, SIZES, small))
    nodes = [Input("x", (), shape, draw(FORMATS))]
    edges = Network("drawn", nodes, ("x",)).edges
    for k in range(draw(st.integers(1, 5))):
        source = nodes[-1].name
        make, edge = draw(st.sampled_from([add, *possible(edges[source])])), edges[source]
        if make is not add:
            nodes.append(make(draw, f"n{k}", source, edge))
        elif isinstance(edge.format, Fixed):
            nodes.append(add(draw, f"n{k}", edges, edge.shape))
        edges = Network("drawn", nodes, (nodes[-1].name,)).edges
    outputs = [nodes[-1].name]
    if len(edges[outputs[0]].shape) == 1 and draw(st.booleans()):
        k = draw(st.integers(1, edges[outputs[0]].size))
        nodes.append(Argmax("class", (outputs[0],), k))
        outputs.append("class")
    return Network("drawn", nodes, outputs)


@st.composite
def batches(draw, network):
    """int64 ``(batch, *shape)`` of up to three vectors."""
    count = draw(st.integers(1, 3))
    return array_of(draw, values_of(network.input.format), (count, *network.input.shape))
