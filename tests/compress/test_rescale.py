"""Real scales in integers: torch against golden and plain loops, through export; refusals."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from golden.slow import requantise
from torch import nn

from hwgen import golden
from hwgen.compress import (
    DynamicQuantConv2d,
    DynamicQuantLinear,
    ExportError,
    QuantInput,
    QuantLinear,
    QuantRescale,
    calibrate,
    export,
    predict_integers,
)
from hwgen.ir import Requantise
from hwgen.numeric import ROUNDINGS, SCALINGS, SpecError

EVERY = np.arange(-128, 128)[:, None]
SCALES = [0.0123, 0.3, 1.0, 2.71, (0.1, 1.7, 0.004)]


def integers(layer, *, bits=8, frac=0, columns=1):
    """Network of ``layer``, in front of a matrix, and each column's result of every input."""
    module = nn.Sequential(QuantInput(bits=bits, frac=frac, signed=True), layer,
                           QuantLinear(columns, 2, bits=4, in_frac=int(layer.frac)))
    x = np.repeat(EVERY, columns, axis=1)
    network = export(module, x[:1], argmax=False)
    edges = golden.run(network, x)
    assert np.array_equal(edges[network.scores], predict_integers(module, x))
    scores = edges["layer1"]
    real = torch.from_numpy(x) * 2.0 ** -frac
    assert np.array_equal((layer(real.double()) * 2.0 ** int(layer.frac)).long().numpy(),
                          scores - layer.zero_point)
    assert scores.reshape(-1).tolist() == requantise(network.node("layer1"), x.reshape(-1).tolist())
    return network.node("layer1"), x, scores


@pytest.mark.parametrize("rounding", SCALINGS)
@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_torch_golden_and_loops_agree_on_every_input(rounding, scale):
    layer = QuantRescale(6, scale, frac=3, in_frac=4, signed=True, rounding=rounding,
                         multiplier_bits=31 if rounding == "doubling_high" else 12)
    _, x, scores = integers(layer, frac=4, columns=np.size(scale))
    near = np.clip(x / 16 * scale * 8, -32, 31)
    assert np.abs(scores - near).max() <= {"doubling_high": 0.76, "floor": 1.02,
                                           "toward_zero": 1.02}.get(rounding, 0.52)


@pytest.mark.parametrize("rounding", SCALINGS)
@pytest.mark.parametrize("options", [
    {"signed": False, "zero_point": 23}, {"zero_point": -7, "slope_shift": 2},
    {"signed": False, "zero_point": 3, "high": 4.1, "slope_shift": 3},
    {"low": -1.3, "high": 2.6, "zero_point": 11}], ids=str)
def test_zero_points_slopes_and_bounds(rounding, options):
    layer = QuantRescale(6, (0.7, 1.31, 0.093), frac=2, in_frac=4, rounding=rounding,
                         multiplier_bits=31 if rounding == "doubling_high" else 9,
                         **{"signed": True} | options)
    node, _, scores = integers(layer, frac=4, columns=3)
    assert (node.zero_point, node.slope_shift) == (options["zero_point"],
                                                   options.get("slope_shift", 0))
    real = (scores - layer.zero_point) / 4
    assert real.max() <= options.get("high", np.inf)
    assert real.min() >= options.get("low", -np.inf)
    assert layer.slope_shift or scores.min() == layer.bounds[0]


@pytest.mark.parametrize("step", [0, 6], ids=["ties", "wide"])
def test_dead_channels_and_negative_scales(step):
    layer = QuantRescale(8, (0.0, -0.5, 0.5, -1.7), frac=step, signed=True, zero_point=5)
    node, x, scores = integers(layer, columns=4)
    assert node.multiplier.tolist()[:2] == [0, -(1 << 30)]
    assert (scores[:, 0] == 5).all()
    assert scores[:, 1].tolist() == sorted(scores[:, 1].tolist(), reverse=True)
    layer = QuantRescale(8, 0.0)
    assert not integers(layer)[2].any()


def test_gradients_are_those_of_the_real_function():
    for options, wanted in (({}, [0.0, 0.3, 0.0]), ({"zero_point": 9}, [0.3, 0.3, 0.0]),
                            ({"zero_point": 9, "slope_shift": 1}, [0.15, 0.3, 0.0])):
        x = torch.tensor([-3.0, 0.5, 90.0], requires_grad=True)
        QuantRescale(4, 0.3, frac=2, **options)(x).sum().backward()
        assert [round(g, 6) for g in x.grad.tolist()] == wanted


@pytest.mark.parametrize("rounding", ["doubling_high", "half_even"])
@pytest.mark.parametrize("scale", [0.37, (0.37, -0.0 + 1.9, 0.02, 0.6)], ids=str)
def test_groups_with_fraction_lengths_of_their_own_are_rescaled_to_one(rng, rounding, scale):
    layer = DynamicQuantLinear(6, 4, groups=2, bits=5)
    with torch.no_grad():
        layer.weight[:2] *= 0.03
    module = nn.Sequential(
        QuantInput(bits=6, frac=3, signed=True), layer,
        QuantRescale(8, scale, frac=4, signed=True, rounding=rounding, zero_point=3),
        QuantLinear(4, 3, bits=5))
    x = rng.integers(-32, 32, (50, 6))
    network = export(calibrate(module, x), x[:1])
    assert len(set(module[2].in_frac.tolist())) == 2
    node = next(node for node in network.nodes if isinstance(node, Requantise))
    assert len(set(node.shifts.tolist())) >= 2
    scores = golden.run(network, x)[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    assert len(np.unique(scores, axis=0)) > 20
    again = QuantRescale(8, scale, frac=4, signed=True, rounding=rounding, zero_point=3)
    again.load_state_dict(module[2].state_dict())
    assert torch.equal(again.in_frac, module[2].in_frac)


def test_groups_of_filters_pass_a_pool(rng):
    module = nn.Sequential(
        QuantInput(bits=6, frac=3, signed=True), DynamicQuantConv2d(2, 4, 2, groups=4, bits=5),
        nn.MaxPool2d(2), QuantRescale(6, 0.9, frac=2, signed=True), nn.MaxPool2d(2))
    with torch.no_grad():
        module[1].weight[1] *= 0.1
    x = rng.integers(-32, 32, (20, 2, 5, 5))
    network = export(calibrate(module, x), x[:1], argmax=False)
    assert np.array_equal(golden.run(network, np.moveaxis(x, 1, -1))[network.scores],
                          predict_integers(module, x))


def test_fraction_bits_that_are_not_those_of_the_input_are_refused():
    module = nn.Sequential(QuantInput(bits=8, frac=3), QuantRescale(8, 0.3))
    with pytest.raises(ExportError) as caught:
        export(module, np.zeros((1, 4), int))
    assert list(caught.value.faults) == [
        "module '1': in_frac must be 3, the fraction bits of its input, not 0: run"
        " hwgen.compress.calibrate before training"]


def used(*args, n=1, **options):
    """On use, since only then ``frac`` and ``in_frac`` are settled."""
    return lambda: QuantRescale(8, *args, **options)(torch.zeros(1, n))


@pytest.mark.parametrize(("make", "error", "message"), [
    (used(-0.3, rounding="half_up"), SpecError,
     "QuantRescale: scale must be above 0 with rounding 'half_up', not -0.3: only 'doubling_high'"
     " takes 0, of a channel that is always 0, and negative scales"),
    (used((0.3, 0.0), rounding="floor"), SpecError,
     "QuantRescale: scale of channel 1 must be above 0 with rounding 'floor', not 0.0: only"
     " 'doubling_high' takes 0, of a channel that is always 0, and negative scales"),
    (used((0.3, -0.2), slope_shift=1), SpecError,
     "QuantRescale: scale of channel 1 must be at least 0 beside a slope_shift, not -0.2: the slope"
     " is of negative inputs"),
    (used("0.3"), TypeError,
     "QuantRescale: scale must be a number, or one for each channel, not '0.3'"),
    (used(None), TypeError,
     "QuantRescale: scale must be a number, or one for each channel, not None"),
    (used([[0.3]]), TypeError,
     "QuantRescale: scale must be a number, or one for each channel, not [[0.3]]"),
    (used([]), SpecError,
     "QuantRescale: scale must be a number, or one for each channel, not an empty sequence"),
    (used(float("nan")), SpecError, "QuantRescale: scale must be finite, not nan"),
    (used((0.1, float("inf"))), SpecError,
     "QuantRescale: scale of channel 1 must be finite, not inf"),
    (used(0.3, tolerance=-1), SpecError,
     "QuantRescale: tolerance must be a relative error of at least 0, not -1"),
    (used(0.3, tolerance="1"), TypeError, "QuantRescale: tolerance must be a number, not '1'"),
    (used(0.3, multiplier_bits=16), SpecError,
     "QuantRescale: multiplier_bits must be 31 with rounding 'doubling_high', which multiplies"
     " int32, not 16: round once, by 'half_up', for shorter multipliers"),
    (used(0.3, rounding="nearest"), SpecError,
     f"QuantRescale: rounding must be one of {[*ROUNDINGS, 'doubling_high']}, not 'nearest'"),
    (used(0.3, zero_point=256), SpecError, "QuantRescale: zero_point must be in 0..255, not 256"),
    (used(0.3, low=1, high=0.5), SpecError, "QuantRescale: low must be below high, not 1 and 0.5"),
    (used((0.3, 0.2, 0.1), n=4), SpecError,
     "scale must be one or 4, the channels of its input, not 3"),
    # In the user's own numbers, whatever the fraction bits: 2**-40 on results of 12 bits more.
    (used(2.0**-40, frac=-12), SpecError,
     "scale must be in 2**-20 .. 2**43, which a multiplier of 31 bits and a shift in"
     " 0..62 reproduce, not 9.094947017729282e-13"),
    (used(0.3, frac=4, rounding="half_up", multiplier_bits=4, tolerance=0), SpecError,
     "scale must be reproduced within 0, which no multiplier of 4 bits does: the"
     " nearest, 10 / 2**5, is 0.0417 off 0.3; allow more bits or a larger tolerance"),
])
def test_what_is_refused(make, error, message):
    with refused(error, message):
        make()


def test_an_input_that_no_left_shift_fits_names_the_scale():
    module = nn.Sequential(QuantInput(bits=16, frac=4), QuantRescale(8, (0.5, 7e5), in_frac=4))
    with pytest.raises(ExportError) as caught:
        export(module, np.zeros((1, 2), int))
    assert list(caught.value.faults) == [
        "module '1': scale of channel 1 must be at most 2**19 in size, so that inputs from 0 to"
        " 65535 shifted left fit the int32 that 'doubling_high' multiplies, not 700000.0: round"
        " once, by 'half_up', or let the result have fewer fraction bits"]


def test_the_channel_that_cannot_be_reproduced_is_named_by_its_module():
    module = nn.Sequential(QuantInput(bits=8), QuantLinear(4, 4, bits=8), QuantRescale(8, (1, 2)))
    with refused(SpecError, "calibrate: module '2': scale must be one or 4, the channels of its"
                            " input, not 2"):
        calibrate(module, np.ones((2, 4), int))
