"""Activations that are no ReLU, from plain PyTorch: near the float network, and exact."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn
from torch.nn import functional as F

from hwgen import golden
from hwgen.compress import (
    QuantActivation,
    QuantInput,
    QuantReLU,
    QuantSigmoid,
    QuantTanh,
    export,
    predict_integers,
    quantise,
)
from hwgen.numeric import SpecError


class Operations(nn.Module):
    """The same functions as bare operations."""

    def __init__(self):
        super().__init__()
        self.first, self.a, self.b = QuantInput(bits=6, frac=4), nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = torch.tanh(F.leaky_relu(self.a(self.first(x)), 0.25))
        return F.hardtanh(self.b(x.sigmoid()), -0.5, 0.75)


@pytest.mark.parametrize(("function", "kind"), [
    (nn.LeakyReLU(0.125), QuantActivation), (nn.LeakyReLU(0), QuantReLU),
    (nn.Sigmoid(), QuantSigmoid), (nn.Tanh(), QuantTanh), (nn.Hardtanh(-0.7, 0.4), QuantActivation),
    (nn.Hardtanh(0, 0.4), QuantActivation), (nn.ReLU6(), QuantActivation), (None, None)], ids=str)
def test_twins_come_near_and_are_exact(rng, function, kind):
    torch.manual_seed(6)
    net = Operations() if function is None else nn.Sequential(
        QuantInput(bits=6, frac=4), nn.Linear(6, 8), function, nn.Linear(8, 3))
    x = rng.integers(0, 64, (50, 6))
    twin = quantise(net, x, weight_bits=12, activation_bits=8)
    assert function is None or type(twin[2]) is kind
    with torch.no_grad():
        error = (twin(torch.from_numpy(x).float()) - net(torch.from_numpy(x).float())).abs()
    assert float(error.max()) < 0.03
    network = export(twin, x[:1])
    scores = golden.run(network, x)[network.scores]
    assert np.array_equal(scores, predict_integers(twin, x))
    assert len(np.unique(scores, axis=0)) > 20


@pytest.mark.parametrize("bits", [2, 4, 8, 12])
@pytest.mark.parametrize("function", [nn.Sigmoid(), nn.Tanh()], ids=str)
def test_tables_are_within_a_step_of_the_function_and_reach_its_ends(bits, function):
    net = nn.Sequential(QuantInput(bits=12, frac=7, signed=True), nn.Linear(1, 1), function)
    with torch.no_grad():
        net[1].weight.fill_(1.0), net[1].bias.zero_()
    x = np.arange(-2048, 2048)[:, None]
    twin = quantise(net, x, weight_bits=4, activation_bits=bits).double()
    with torch.no_grad():
        wanted = function(torch.from_numpy(x / 128).double())
        error = (twin(torch.from_numpy(x).double()) - wanted).abs() * 2.0 ** twin[2].frac
    # The largest code is a step below 1, and tables of 12 bits are no finer than their input.
    assert float(error.max()) < {12: 5.0}.get(bits, 1.2)


@pytest.mark.parametrize(("slope", "near"), [
    (0.01, "0.0078125 = 2**-7"), (0.1, "0.125 = 2**-3"), (1.7, "1 = 2**-0"),
    (-0.2, "3.05176e-05 = 2**-15"), (2.0**-16, "3.05176e-05 = 2**-15")])
def test_slopes_that_are_no_powers_of_two_are_refused_with_the_nearest(slope, near):
    net = nn.Sequential(QuantInput(bits=4), nn.LeakyReLU(slope))
    with refused(SpecError, f"quantise: module '1': negative_slope must be a power of two, 1 .."
                            f" 2**-15, or 0, not {slope}: the nearest is {near}; train with that"
                            f" one"):
        quantise(net, np.zeros((1, 2), int), weight_bits=4, activation_bits=4)
