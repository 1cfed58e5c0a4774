"""Bitwise networks: bits by a sparsity threshold, and the training in two stages."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen import golden
from hwgen.compress import (
    BitwiseSign,
    BitwiseWeights,
    ExportError,
    IntegerLinear,
    Phases,
    Settings,
    ThermometerInput,
    accuracy,
    compress_signals,
    digits,
    export,
    predict_integers,
    train_bitwise,
)
from hwgen.numeric import SpecError, Ternary


def bits(w, sparsity):
    """The paper's rule on numbers: the lambda share of smallest magnitudes is 0."""
    order = np.argsort(np.abs(w).ravel())
    found = np.where(w >= 0, 1, -1).ravel()
    found[order[:int(sparsity * w.size)]] = 0
    return found.reshape(w.shape)


@pytest.mark.parametrize("sparsity", [0, 0.1, 0.5, 0.99])
def test_the_smallest_share_of_weights_is_zero(sparsity):
    layer = IntegerLinear(30, 10, BitwiseWeights(sparsity))
    w = layer.weight.detach().numpy()
    found = layer.integer_weight().detach().numpy()
    assert np.array_equal(found, bits(w, sparsity))
    assert np.count_nonzero(found == 0) == int(sparsity * 300)
    assert layer.format == Ternary()


def test_the_first_stage_is_compressed_by_tanh():
    layer, act = IntegerLinear(3, 2, BitwiseWeights(), bias=True), BitwiseSign(gain=0.5)
    layer.bias.data = torch.tensor([0.4, -2.0])
    compress_signals(nn.Sequential(layer, act), True)
    x, w, b = (tensor.detach().numpy() for tensor in (torch.randn(4, 3), layer.weight, layer.bias))
    wanted = np.tanh(0.5 * (x @ np.tanh(w).T + np.tanh(b)))
    assert act(layer(torch.from_numpy(x))).detach().numpy() == pytest.approx(wanted, abs=1e-6)


def test_the_second_stage_computes_and_propagates_bits():
    layer, act = IntegerLinear(3, 1, BitwiseWeights(0.4), bias=True), BitwiseSign(gain=0.5)
    layer.weight.data = torch.tensor([[0.3, -0.1, -2.0]])
    layer.bias.data = torch.tensor([-0.01])
    compress_signals(nn.Sequential(layer, act), False)
    x = torch.tensor([[-1.0, 1.0, 1.0]], requires_grad=True)
    act(layer(x)).sum().backward()
    slope = 0.5 * (1 - np.tanh(0.5 * -3) ** 2)
    assert layer(x).item() == -1 * 1 + 0 + -1 * 1 - 1
    assert x.grad.tolist() == [pytest.approx([slope, 0, -slope])]
    assert layer.weight.grad.tolist() == [pytest.approx([-slope, slope, slope])]
    assert layer.bias.grad.tolist() == pytest.approx([slope])


def bitwise(hidden=(48,)):
    layers, n_in = [ThermometerInput((4, 10), bits=5)], 128
    for n_out in hidden:
        layers += [IntegerLinear(n_in, n_out, BitwiseWeights(), bias=True),
                   BitwiseSign(gain=n_in ** -0.5)]
        n_in = n_out
    return nn.Sequential(*layers, IntegerLinear(n_in, 10, BitwiseWeights(), bias=True,
                                                out_shift=1))


def test_two_stages_on_real_digits(tmp_path):
    split, seen = digits(), []
    phases = Phases("digits-bitwise", split, 0, tmp_path, seen.append, 1.0)
    module = train_bitwise(phases, phases.build(bitwise), compressed=Settings(epochs=6),
                           bits=Settings(epochs=6, lr=3e-3, integer_products=True))
    assert [epoch.name.removeprefix("digits-bitwise-") for epoch in seen] == (
        ["compressed"] * 6 + ["bits"] * 6)
    assert {path.stem for path in tmp_path.iterdir()} == {"digits-bitwise-compressed",
                                                          "digits-bitwise-bits"}
    network = export(module, split.x_test)
    values = golden.run(network, split.x_test)
    assert np.array_equal(values[network.scores], predict_integers(module, split.x_test))
    assert accuracy(values[network.scores], split.y_test) > 0.85
    assert seen[-1].density == pytest.approx(0.7, abs=0.01)
    # It goes on from the checkpoints: nothing is left to train.
    again = Phases("digits-bitwise", split, 0, tmp_path, seen.append, 1.0)
    twin = train_bitwise(again, again.build(bitwise), compressed=Settings(epochs=6),
                         bits=Settings(epochs=6, lr=3e-3, integer_products=True))
    assert len(seen) == 12
    assert export(twin, split.x_test).digest == network.digest


def test_the_first_stage_gives_a_start():
    """The bits that follow from the real weights, before any training of them, are not random."""
    split = digits()
    phases = Phases("digits-bitwise", split, 0, None, None, 1.0)
    module = compress_signals(phases.build(bitwise), True)
    phases.run("compressed", module, Settings(epochs=6))
    scores = predict_integers(compress_signals(module, False), split.x_test)
    assert accuracy(scores, split.y_test) > 0.5


def test_the_first_stage_has_no_export():
    module = compress_signals(bitwise(), True).eval()
    with pytest.raises(ExportError) as caught:
        export(module, np.zeros((1, 64), int))
    assert caught.value.faults == (
        "module '1': BitwiseWeights: weights must be bits, not the real ones of the first stage:"
        " train the second with hwgen.compress.train_bitwise",)
    with refused(SpecError, "BitwiseSign: signals must be bits, not the real ones of the first"
                            " stage: train the second with hwgen.compress.train_bitwise"):
        print(module[2].format)


def test_what_is_refused():
    phases = Phases("x", None, 0, None, None, 1.0)
    with refused(SpecError, "train_bitwise: integer_products must be False in the first stage,"
                            " whose weights are real, not True"):
        train_bitwise(phases, bitwise(), bits=Settings(epochs=1),
                      compressed=Settings(epochs=1, integer_products=True))
    with refused(SpecError, "compress_signals: module must have BitwiseWeights or BitwiseSign, not"
                            " be a Linear without"):
        compress_signals(nn.Linear(1, 1), True)
    with refused(SpecError, "BitwiseSign: gain must be a number above 0, not 0"):
        BitwiseSign(0)
