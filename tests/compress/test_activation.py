"""Fixed-point activations: torch against golden and plain loops, through export."""

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
    Flatten,
    QuantActivation,
    QuantInput,
    QuantLinear,
    calibrate,
    export,
    predict_integers,
)
from hwgen.ir import Requantise
from hwgen.numeric import ROUNDINGS, SpecError

EVERY = np.arange(-128, 128)[:, None]


def integers(layer, *, bits=8, frac=0, columns=1):
    """Network of ``layer`` behind an input, and every input in each of its columns."""
    module = nn.Sequential(QuantInput(bits=bits, frac=frac, signed=True), layer)
    x = np.repeat(EVERY, columns, axis=1)
    network = export(module, x[:1], argmax=False)
    scores = golden.run(network, x)[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    return network, x, scores


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("options", [
    {"signed": True}, {"signed": False}, {"slope_shift": 2}, {"slope_shift": 3, "high": 3.3},
    {"low": 0.0, "high": 2.5}, {"low": -1.7}], ids=str)
@pytest.mark.parametrize("frac", [-1, 1, 3, 6])
def test_torch_golden_and_loops_agree_on_every_input(rounding, options, frac):
    layer = QuantActivation(5, frac=frac, rounding=rounding, **options)
    network, x, scores = integers(layer, frac=4)
    assert scores[:, 0].tolist() == requantise(network.node("layer1"), x[:, 0].tolist())
    real = scores * 2.0 ** -frac
    assert real.max() <= options.get("high", np.inf)
    assert real.min() >= options.get("low", -np.inf)


def test_bounds_are_multiples_of_the_step_within_the_real_ones():
    layer = QuantActivation(6, frac=2, low=-1.1, high=2.6)
    assert layer.bounds == (-4, 10)
    layer.frac.fill_(0)
    assert layer.bounds == (-1, 2)
    with refused(SpecError, "low and high must hold a multiple of 2**-0 that 6 bits reach, not be"
                            " 0.2 and 0.7"):
        QuantActivation(6, low=0.2, high=0.7)(torch.zeros(1))


def test_gradients_are_those_of_the_real_function():
    x = torch.tensor([-3.0, -0.6, 0.3, 9.0], requires_grad=True)
    QuantActivation(4, frac=1, slope_shift=1)(x).sum().backward()
    assert x.grad.tolist() == [0.5, 0.5, 1.0, 0.0]


def grouped(rng, kind=DynamicQuantLinear):
    layer = kind(*((6, 4) if kind is DynamicQuantLinear else (2, 4, 2)), groups=2, bits=5)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(rng.normal(size=layer.weight.shape)))
        layer.weight[:2] *= 0.05
        layer.bias.copy_(torch.from_numpy(rng.normal(size=4)))
    return layer


@pytest.mark.parametrize("rule", ["least_squares", "ristretto"])
def test_groups_with_fraction_lengths_of_their_own(rule):
    rng = np.random.default_rng(0)
    module = nn.Sequential(QuantInput(bits=6, frac=3, signed=True), grouped(rng),
                           QuantActivation(6), QuantLinear(4, 3, bits=5))
    x = rng.integers(-32, 32, (50, 6))
    calibrate(module, x, rule=rule)
    network = export(module, x[:1])
    node = next(node for node in network.nodes if isinstance(node, Requantise))
    assert len(set(node.shifts.tolist())) == 2
    assert np.array_equal(golden.run(network, x)[network.scores], predict_integers(module, x))


def test_groups_of_filters():
    rng = np.random.default_rng(1)
    module = nn.Sequential(QuantInput(bits=6, frac=3, signed=True),
                           grouped(rng, DynamicQuantConv2d), QuantActivation(6, signed=False),
                           Flatten(), QuantLinear(16, 3, bits=5))
    x = rng.integers(-32, 32, (20, 2, 3, 3))
    network = export(calibrate(module, x), x[:1])
    assert np.array_equal(golden.run(network, np.moveaxis(x, 1, -1))[network.scores],
                          predict_integers(module, x))


def test_ristretto_gives_the_integer_bits_of_the_largest_value():
    layer = QuantActivation(8)
    for peak, frac in ((0.9, 7), (1.0, 7), (1.1, 6), (5.0, 4), (0.1, 10)):
        layer.calibrate(torch.tensor([-peak / 3, peak]), "ristretto")
        assert int(layer.frac) == frac
    with refused(SpecError, "rule must be one of ['least_squares', 'min_max', 'percentile',"
                            " 'ristretto'], not 'best'"):
        layer.calibrate(torch.ones(1), "best")


def test_sums_in_several_units_need_an_activation():
    rng = np.random.default_rng(2)
    head = [QuantInput(bits=6, frac=3, signed=True), grouped(rng)]
    x = rng.integers(-32, 32, (9, 6))
    head[1].calibrate()
    head[1].in_frac.fill_(3)
    last = QuantLinear(4, 2, bits=4, in_frac=head[1].out_frac)
    for tail, why in (([], "result: must be in one unit"),
                      ([last], "module '2': input must be in one unit")):
        module = nn.Sequential(*head, *tail)
        with pytest.raises(ExportError) as caught:
            export(module, x[:1])
        assert why in str(caught.value)
    with refused(SpecError, "DynamicQuantLinear: groups must divide n_out = 4, not 3"):
        DynamicQuantLinear(6, 4, groups=3, bits=5)
