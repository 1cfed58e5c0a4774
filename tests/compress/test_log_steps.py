"""LogQuant against its equation, and its thresholds against torch."""

import math

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen import golden
from hwgen.compress import (
    BatchNorm,
    IntegerLinear,
    LogActivation,
    PowerWeights,
    QuantInput,
    export,
    predict_integers,
)
from hwgen.numeric import Logarithmic, SpecError, format_from_dict, format_to_dict


def log_quant(x, bits, full_scale):
    """The paper's equations of one number; its result as a real number."""
    if x <= 0:
        return 0.0
    exponent, low = round(math.log2(x)), full_scale - 2**bits
    if exponent <= low:
        return 0.0
    return 2.0**min(exponent, full_scale - 1)


@pytest.mark.parametrize(("bits", "full_scale"), [(1, 0), (2, 2), (3, 2), (4, -1), (3, 9)])
def test_log_quant_is_that_of_the_paper(rng, bits, full_scale):
    x = np.concatenate([rng.normal(size=400) * 2.0**full_scale, 2.0**rng.uniform(-14, 12, 400),
                        [0, 1, -1, 2.0**full_scale, 2.0**(full_scale - 1)]])
    layer = LogActivation(bits, full_scale)
    found = layer(torch.from_numpy(x)).numpy() * 2.0**layer.lowest
    assert found.tolist() == [log_quant(v, bits, full_scale) for v in x]
    assert layer.format == Logarithmic(2**bits - 1)
    assert layer.format.bits == bits
    levels = layer.format.levels[layer.index(torch.from_numpy(x)).long().numpy()]
    assert np.array_equal(levels, layer(torch.from_numpy(x)).numpy())


def test_codes_of_the_format_are_exponents():
    fmt = Logarithmic(5)
    assert fmt.levels.tolist() == [0, 1, 2, 4, 8, 16]
    assert fmt.encode(fmt.levels).tolist() == [0, 1, 2, 3, 4, 5]
    assert fmt.decode([5, 0]).tolist() == [16, 0]
    assert (fmt.bits, fmt.min, fmt.max, fmt.is_signed) == (3, 0, 16, False)
    assert format_from_dict(format_to_dict(fmt)) == fmt
    assert str(fmt) == "logarithmic {0, 1 .. 16}"
    with refused(SpecError, "codes must be used by logarithmic {0, 1 .. 16}, not 6 (1 of 1 are"
                            " outside)"):
        fmt.decode(6)
    with refused(SpecError, "Logarithmic exponents must be in 1..61, not 0"):
        Logarithmic(0)


def test_the_gradient_ends_where_the_range_does():
    layer = LogActivation(2, 1)         # units of 1/4: 0, 1/4, 1/2, 1
    x = torch.tensor([-0.1, 0.0, 0.1, 0.6, 1.4, 1.5], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [0, 4, 4, 4, 4, 0]


def test_a_network_of_powers_and_logarithms_is_torch_s_own(rng):
    torch.manual_seed(5)
    module = nn.Sequential(
        QuantInput(bits=6), IntegerLinear(9, 14, PowerWeights()), BatchNorm(14), LogActivation(3),
        IntegerLinear(14, 12, PowerWeights(4)), BatchNorm(12), LogActivation(4, 3),
        IntegerLinear(12, 5, PowerWeights(5), bias=True, out_shift=7))
    x = rng.integers(0, 64, (200, 9))
    for _ in range(30):
        module.train()(torch.from_numpy(x).float())
    network = export(module.eval(), x)
    scores = golden.run(network, x)[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    assert len(np.unique(scores, axis=0)) > 150
    assert [network.edges[name].format for name in ("layer3", "layer6")] == [
        Logarithmic(7), Logarithmic(15)]
    assert {node.weights.kind for node in network.nodes if node.kind == "mat_vec"} == {
        "power-sums"}


def test_wrong_amounts_are_refused():
    with refused(SpecError, "LogActivation: bits must be in 1..5, not 6"):
        LogActivation(6)
