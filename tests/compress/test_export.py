"""Torch's own integers against golden, on every edge that torch can show."""

import copy

import numpy as np
import pytest
import torch
from cases.errors import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hwgen import golden
from hwgen.compress import (
    BatchNorm,
    BinaryLinear,
    DoReFaLinear,
    ExportError,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Sign,
    ThermometerInput,
    calibrate,
    export,
    predict_integers,
)
from hwgen.ir import CheckError
from hwgen.numeric import Bipolar, Fixed, SpecError

SIZES = st.lists(st.integers(1, 9), min_size=2, max_size=5)
SEEDS = st.integers(0, 2 ** 31 - 1)


def scrambled(module, rng):
    """``module`` with random weights, norms (gammas of all signs and zero) and biases."""
    for part in module.modules():
        if isinstance(part, BatchNorm):
            n = part.num_features
            part.weight.data = torch.from_numpy(rng.choice([-1.5, -1, 0, 0.3, 1], n)).float()
            part.bias.data = torch.from_numpy(rng.choice([-0.5, 0, 1], n)).float()
            part.running_mean.data = torch.from_numpy(rng.integers(-4, 5, n) / 2).float()
            part.running_var.data = torch.from_numpy(rng.uniform(0.01, 9, n)).float()
        elif isinstance(part, (BinaryLinear, QuantLinear)) and part.bias is not None:
            part.bias.data = torch.from_numpy(rng.normal(0, 2, part.n_out)).float()
    return module.eval()


def binary_net(sizes, rng, first):
    layers = [first]
    n_in = sizes[0] * len(first.levels) if isinstance(first, ThermometerInput) else sizes[0]
    for n_out in sizes[1:-1]:
        layers += [BinaryLinear(n_in, n_out), BatchNorm(n_out), Sign()]
        n_in = n_out
    layers.append(BinaryLinear(n_in, sizes[-1], bias=True, out_shift=3))
    return scrambled(nn.Sequential(*layers), rng)


def fixed_net(sizes, rng, bits, activation_bits, first):
    layers = [first]
    for n_in, n_out in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers += [QuantLinear(n_in, n_out, bits=bits), QuantReLU(bits=activation_bits)]
    layers.append(QuantLinear(sizes[-2], sizes[-1], bits=bits, bias=bool(rng.integers(2))))
    return scrambled(nn.Sequential(*layers), rng)


def drawn(rng, n, fmt):
    x = rng.integers(fmt.min, fmt.max, (30, n), endpoint=True)
    x[0], x[1] = fmt.min, fmt.max
    return x


def assert_equal(module, x):
    network = export(module, x)
    scores = predict_integers(module, x)
    values = golden.run(network, x)
    assert np.array_equal(values[network.scores], scores)
    assert np.array_equal(values[network.outputs[1]][:, 0], scores.argmax(axis=1))
    return network


def test_the_best_classes_are_appended(rng):
    first = QuantInput(bits=8, signed=True)
    module, x = fixed_net([5, 4], rng, 6, 4, first), drawn(rng, 5, Fixed(8))
    network = export(module, x, k=3)
    values = golden.run(network, x)
    order = np.argsort(-values[network.scores], axis=1, kind="stable")
    assert np.array_equal(values["argmax"], order[:, :3])
    with refused(CheckError, "network 'network' has 1 fault(s):\n  - node 2 'argmax': k must be in"
                             " 1..4, the elements of its input, not 5"):
        export(module, x, k=5)
    with refused(SpecError, "network: k must be 1 without argmax, not 3; leave argmax=True"):
        export(module, x, k=3, argmax=False)
    with refused(TypeError, "node 'argmax': k must be an int, not 2.0"):
        export(module, x, k=2.0)


@settings(max_examples=60)
@given(SIZES, SEEDS, st.booleans(), st.booleans())
def test_binary_networks(sizes, seed, thermometer, signed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    first = (ThermometerInput((-1, 1, 3) if signed else (1, 4), bits=3, signed=signed)
             if thermometer else QuantInput(bits=4, frac=2, signed=signed))
    fmt = Fixed(first.bits, 0, signed)
    x = drawn(rng, sizes[0], fmt)
    assert_equal(calibrate(binary_net(sizes, rng, first), x), x)


@settings(max_examples=60)
@given(SIZES, SEEDS, st.integers(2, 8), st.integers(1, 8), st.booleans())
def test_fixed_networks(sizes, seed, bits, activation_bits, signed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    first = QuantInput(bits=5, frac=int(rng.integers(-2, 6)), signed=signed)
    x = drawn(rng, sizes[0], Fixed(5, 0, signed))
    assert_equal(calibrate(fixed_net(sizes, rng, bits, activation_bits, first), x), x)


def test_a_finer_activation_than_the_accumulator_is_a_multiplier(rng):
    module = nn.Sequential(QuantInput(bits=4), QuantLinear(3, 2, bits=3, bias=False),
                           QuantReLU(bits=8, frac=5))
    module[1].frac.fill_(1)
    network = assert_equal(module, drawn(rng, 3, Fixed(4, 0, False)))
    node = network.node("layer2")
    assert (node.multiplier.tolist(), node.shift) == ([16], 0)


def test_norm_before_sign_of_fixed_point_scores(rng):
    module = nn.Sequential(QuantInput(bits=4, frac=2), QuantLinear(6, 5, bits=4, in_frac=2),
                           BatchNorm(5), Sign(), BinaryLinear(5, 3))
    assert_equal(scrambled(module, rng), drawn(rng, 6, Fixed(4, 0, False)))


def test_layers_of_both_kinds_in_one_network(rng):
    torch.manual_seed(5)
    module = scrambled(nn.Sequential(
        QuantInput(bits=4, frac=3), BinaryLinear(6, 8, bias=True, out_shift=2), QuantReLU(bits=4),
        QuantLinear(8, 7, bits=4), BatchNorm(7), Sign(), BinaryLinear(7, 5, bias=True),
        QuantReLU(bits=3), QuantLinear(5, 3, bits=5)), rng)
    x = drawn(rng, 6, Fixed(4, 0, False))
    assert_equal(calibrate(module, x), x)


def test_every_hidden_value_equals_torch(rng):
    """Not only the scores: each activation that torch computes is the value of its node."""
    torch.manual_seed(0)
    module = calibrate(fixed_net([6, 5, 4, 3], rng, 4, 3, QuantInput(bits=4, frac=4)),
                       drawn(rng, 6, Fixed(4, 0, False)))
    x = drawn(rng, 6, Fixed(4, 0, False))
    network = export(module, x)
    values = golden.run(network, x)
    for name, node in (("2", "layer2"), ("4", "layer4")):
        part = nn.Sequential(*list(module)[: int(name) + 1])
        assert np.array_equal(values[node], predict_integers(part, x))


class Named(nn.Module):
    """A module with parts of parts, one layer used twice and one not at all."""

    def __init__(self):
        super().__init__()
        self.input = QuantInput(bits=4)
        self.body = nn.ModuleDict({"fc": QuantLinear(3, 3, bits=4), "argmax": QuantReLU(bits=4)})
        self.unused = nn.Conv2d(1, 1, 1)

    def forward(self, x):
        x = self.input(x)
        for _ in range(2):
            x = self.body["argmax"](self.body["fc"](x))
        return x


def test_names_are_paths_and_unique(rng):
    module = Named()
    module.body["fc"].frac.fill_(3)
    network = assert_equal(module, drawn(rng, 3, Fixed(4, 0, False)))
    assert [node.name for node in network.nodes] == [
        "input", "body_fc", "body_argmax", "body_fc_1", "body_argmax_1", "argmax"]


def test_a_single_layer_is_a_network():
    network = export(ThermometerInput((1, 2), bits=2), np.array([[0, 1, 3]]), argmax=False)
    assert [node.kind for node in network.nodes] == ["input", "thermometer"]
    assert network.outputs == (network.nodes[1].name,)
    assert network.edges[network.scores].format == Bipolar()


def test_the_network_says_what_torch_said(rng):
    module = nn.Sequential(QuantInput(bits=4, frac=1), nn.Dropout(), nn.Identity(),
                           QuantLinear(3, 2, bits=4, in_frac=1))
    module[3].frac.fill_(2)
    network = export(module, np.array([[1, 2, 3]]), name="small", meta={"accuracy": 0.5})
    assert network.name == "small"
    assert dict(network.meta) == {"accuracy": 0.5, "score_frac": 3}
    assert network.input.format == Fixed(4, 1, False)
    assert network.node("layer3").weights.format == Fixed(4, 2, True)
    assert module[0].training
    assert module[3].weight.dtype == torch.float32


def test_torch_tensors_of_integers_are_samples():
    module = nn.Sequential(QuantInput(bits=4), QuantLinear(2, 2, bits=4))
    x = torch.tensor([[1, 2]])
    assert np.array_equal(predict_integers(module, x), predict_integers(module, x.numpy()))


def test_integers_are_those_that_the_module_multiplies_in_its_own_precision():
    """In double precision some would round to the other side."""
    def rounds_otherwise(layer):
        double = copy.deepcopy(layer).double()
        return not torch.equal(double.integer_weight().float(), layer.integer_weight())

    torch.manual_seed(0)
    drawn = (DoReFaLinear(512, 512, bits=8) for _ in range(40))
    layer = next(layer for layer in drawn if rounds_otherwise(layer))
    used = layer.integer_weight().detach()
    sample = np.zeros((1, 512), int)
    network = export(nn.Sequential(QuantInput(bits=2), layer).eval(), sample)
    assert np.array_equal(network.nodes[1].weights.to_dense(), used.long().numpy())
    assert layer.weight.dtype == torch.float32      # the module is as it was


def test_out_shift_scales_scores_and_leaves_the_integers(rng):
    plain, scaled = BinaryLinear(4, 3), BinaryLinear(4, 3, out_shift=5)
    scaled.load_state_dict(plain.state_dict())
    x = drawn(rng, 4, Fixed(3, 0, False))
    first = QuantInput(bits=3)
    assert np.array_equal(predict_integers(nn.Sequential(first, plain), x),
                          predict_integers(nn.Sequential(first, scaled), x))


def test_thresholds_stay_in_the_proven_range(rng):
    torch.manual_seed(1)
    module = binary_net([7, 9, 8, 3], rng, ThermometerInput((1, 2, 5), bits=3))
    network = export(module, drawn(rng, 7, Fixed(3, 0, False)))
    for node in network.nodes:
        if node.kind == "threshold":
            edge = network.edges[node.inputs[0]]
            assert np.all((node.thresholds >= edge.lo) & (node.thresholds <= edge.hi + 1))


class Crooked(QuantLinear):
    """A layer whose forward is not what it says."""

    def forward(self, x):
        return super().forward(x) * 1.3


def test_a_type_that_only_inherits_is_refused():
    with pytest.raises(ExportError, match=r"module '1': must be exact, not .*Crooked"):
        export(nn.Sequential(QuantInput(bits=4), Crooked(2, 2, bits=4)), np.array([[1, 2]]))


def test_scores_off_the_grid_are_refused(monkeypatch):
    module = nn.Sequential(QuantInput(bits=4), BinaryLinear(1, 1))
    module[1].weight.data.fill_(1)
    monkeypatch.setattr(BinaryLinear, "forward", lambda self, x: x / 4)
    with refused(SpecError, "predict_integers: scores must be multiples of 2**-0, not 0.75 of them"
                            " at index [1, 0]"):
        predict_integers(module, np.array([[4], [3]]))


def test_input_outside_its_format_is_refused():
    module = nn.Sequential(QuantInput(bits=4), BinaryLinear(1, 1))
    with refused(SpecError, "x must be in fixed u4.0 (0..15), not 16 at index [1, 0] (1 of 2 are"
                            " outside)"):
        predict_integers(module, np.array([[4], [16]]))


@pytest.mark.parametrize(("x", "error", "message"), [
    (np.zeros((1, 2)), TypeError, "sample must be an array of integers, not of float64"),
    (np.zeros(2, dtype=int), SpecError,
     "sample must be of shape (batch, n_in) or (batch, c, h, w), all at least 1, not (2,)"),
    (np.zeros((0, 2), dtype=int), SpecError,
     "sample must be of shape (batch, n_in) or (batch, c, h, w), all at least 1,"
     " not (0, 2)"),
])
def test_samples_are_checked(x, error, message):
    with refused(error, message):
        export(nn.Sequential(QuantInput(bits=4)), x)


def test_a_sample_of_ones_own_is_needed_only_for_its_size():
    module = nn.Sequential(QuantInput(bits=4), BinaryLinear(2, 2))
    one, other = (export(module, np.full((3, 2), v)) for v in (0, 9))
    assert one.digest == other.digest
