"""LogNet's weights against the paper's equation; a network whose products are sums of exponents."""

import math

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import PlainMaps, as_maps
from cases.targets import ECP5
from torch import nn

from hwgen.compress import IntegerLinear, Recipe, compress
from hwgen.compress.methods import METHODS, LogNet, Prune, Train
from hwgen.compress.powers import LogWeights
from hwgen.ir import MatVec, PowerSums
from hwgen.numeric import Logarithmic, PowerOfTwo, SpecError
from hwgen.plan import plan
from hwgen.plan.stages import ShiftStage


def log_quant(w, bits, full_scale):
    """Equation 4 of one number, the bits beside its sign."""
    if w == 0:
        return 0.0
    exponent, low = round(math.log2(abs(w))), full_scale - 2**bits
    return 0.0 if exponent <= low else math.copysign(2.0**min(exponent, full_scale - 1), w)


@pytest.mark.parametrize("bits", [2, 3, 5])
@pytest.mark.parametrize("scale", [1.0, 0.013])
def test_weights_are_those_of_the_paper(rng, bits, scale):
    weights = np.float32(rng.normal(size=(20, 30)) * scale * 2.0**rng.integers(-9, 1, (20, 30)))
    weights[0, 0] = 0
    layer = IntegerLinear(30, 20, LogWeights(bits))
    layer.weight.data = torch.from_numpy(weights)
    layer.quantiser.start(layer.weight)
    top = round(math.log2(np.abs(weights).max()))
    wanted = np.array([[log_quant(w, bits - 1, top + 1) for w in row] for row in weights.tolist()])
    found = layer.integer_weight().detach().numpy() * 2.0**layer.quantiser.lowest
    assert np.array_equal(found, wanted)
    assert len(np.unique(found)) > 2
    assert layer.format == PowerOfTwo(2**(bits - 1) - 1)
    assert layer.format.bits == bits
    assert np.array_equal(layer.matrix().to_dense() * 2.0**layer.quantiser.lowest, wanted)


def test_borders_are_geometric_and_the_gradient_passes():
    layer = IntegerLinear(5, 1, LogWeights(3))
    layer.weight.data = torch.tensor([[4.0, 1.45, -1.4, 0.71, 0.7]])
    layer.quantiser.start(layer.weight)             # units of 1
    integers = layer.integer_weight()
    assert integers.tolist() == [[4, 2, -1, 1, 0]]
    integers.sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1, 1, 1, 1]]
    layer.weight.data[0, 0] = 9
    layer.constrain()
    assert float(layer.weight.data[0, 0]) == pytest.approx(4 * math.sqrt(2))


def test_both_sides_are_powers_and_the_shift_core_takes_them(split):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    result = compress(model, Recipe((Train(epochs=4, lr=0.01), LogNet(epochs=4, lr=0.005, bits=4),
                                     Prune(density=0.5))), split)
    assert result.accuracy["torch"] == result.accuracy["golden"] > 80
    matrices = [node for node in result.network.nodes if isinstance(node, MatVec)]
    assert all(isinstance(node.weights, PowerSums) for node in matrices)
    assert result.network.edges[matrices[1].inputs[0]].format == Logarithmic(15)
    assert np.count_nonzero(matrices[0].weights.to_dense()) <= 1024
    stages = plan(result.network, ECP5, cores={"layer2": {"core": "shift"}}).stages
    shift = next(stage for stage in stages if stage.name == "layer2")
    assert isinstance(shift, ShiftStage)
    assert shift.adds_exponents


def test_a_convolutional_one(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((METHODS["log-net"](epochs=1, activation_bits=3,
                                                              full_scale=3),)), as_maps(split))
    assert result.accuracy["torch"] == result.accuracy["golden"]
    assert sum(edge.format == Logarithmic(7) for edge in result.network.edges.values()) >= 2


@pytest.mark.parametrize(("fields", "message"), [
    ({"bits": 6}, "log-net: bits must be in 2..5, not 6"),
    ({"activation_bits": 6}, "log-net: activation_bits must be in 1..5, not 6"),
    ({"full_scale": 40}, "log-net: full_scale must be in -16..16, not 40"),
])
def test_amounts_out_of_range_are_refused(fields, message):
    with refused(SpecError, message):
        LogNet(**fields)
