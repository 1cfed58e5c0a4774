"""Weights of float networks as a beginning."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen import golden
from hwgen.compress import (
    BatchNorm,
    FixedTernaryWeights,
    IntegerConv2d,
    IntegerLinear,
    LqWeights,
    QuantInput,
    Settings,
    StepActivation,
    accuracy,
    adopt,
    digits,
    export,
    train,
)
from hwgen.numeric import SpecError


def test_a_matrix_fills_the_range():
    source, twin = nn.Sequential(nn.Linear(5, 3)), nn.Sequential(IntegerLinear(5, 3, LqWeights(2)))
    assert adopt(twin, source) is twin
    w = source[0].weight.detach()
    assert torch.equal(twin[0].weight, w / w.abs().max())
    fresh = IntegerLinear(5, 3, LqWeights(2))
    fresh.weight.data = twin[0].weight.data
    fresh.quantiser.start(fresh.weight)
    assert torch.equal(twin[0].quantiser.bases, fresh.quantiser.bases)


def test_a_convolution_is_put_in_the_order_of_windows():
    source = nn.Sequential(nn.Conv2d(3, 4, 2, bias=False))
    twin = adopt(nn.Sequential(IntegerConv2d(3, 4, 2, FixedTernaryWeights())), source)
    peak = float(source[0].weight.detach().abs().max())
    x = torch.randint(0, 9, (2, 3, 5, 5)).float()
    windows = twin[0].windows(x).flatten(0, 2)
    found = (windows @ twin[0].weight.T * peak).reshape(2, 4, 4, 4).permute(0, 3, 1, 2)
    assert torch.allclose(found, source(x), atol=1e-4)


def test_what_does_not_fit_is_refused():
    twin = nn.Sequential(IntegerLinear(5, 3, LqWeights(2)))
    with refused(SpecError, "adopt: source must have a Linear or Conv2d of weights (3, 5) at '0',"
                            " not Identity()"):
        adopt(twin, nn.Sequential(nn.Identity()))
    with refused(SpecError, "adopt: source must have a Linear or Conv2d of weights (3, 5) at '0',"
                            " not None"):
        adopt(twin, nn.Sequential())


def test_fixed_ternary_is_a_float_network_trained_again():
    """Hwang and Sung's two steps on the 8x8 digits, against the second alone."""
    torch.manual_seed(0)
    split = digits()

    def net(linear, last):
        return nn.Sequential(QuantInput(bits=5), linear(64, 32), BatchNorm(32),
                             StepActivation.dorefa(2), last(32, 10))

    def ternary(n_in, n_out, **options):
        return IntegerLinear(n_in, n_out, FixedTernaryWeights(), **options)

    source = train(net(nn.Linear, nn.Linear), split, settings=Settings(epochs=8))
    twin = adopt(net(ternary, lambda n, m: ternary(n, m, bias=True, out_shift=3)), source)
    twin = train(twin, split, settings=Settings(epochs=8))
    network = export(twin, split.x_test)
    scores = golden.run(network, split.x_test)[network.scores]
    assert accuracy(scores, split.y_test) > 0.93
    matrices = [node.weights.to_dense() for node in network.nodes if node.kind == "mat_vec"]
    assert all(set(np.unique(matrix)) == {-1, 0, 1} for matrix in matrices)
    assert accuracy(scores, split.y_test) == pytest.approx(
        accuracy(source(torch.from_numpy(split.x_test).float()).detach(), split.y_test), abs=0.05)
