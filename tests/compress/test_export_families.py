"""Every kind of weights with every activation: torch's own integers against golden."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hwgen import golden
from hwgen.compress import (
    AbcActivation,
    AbcWeights,
    AlternatingWeights,
    BatchNorm,
    BatchNorm2d,
    BinaryLinear,
    BinaryWeights,
    BitwiseSign,
    BitwiseWeights,
    DoReFaWeights,
    ExportError,
    FixedTernaryWeights,
    Flatten,
    HorqSign,
    IntegerConv2d,
    IntegerLinear,
    LinearQuantWeights,
    LogActivation,
    LqActivation,
    LqWeights,
    PowerWeights,
    QuantInput,
    QuantReLU,
    ResidualSign,
    ScaledBinaryLinear,
    Settings,
    SharedWeights,
    ShiftBatchNorm,
    ShiftBatchNorm2d,
    ShiftSumWeights,
    Sign,
    StepActivation,
    ThermometerInput,
    TtqWeights,
    TwnWeights,
    WrpnWeights,
    XnorWeights,
    digits,
    export,
    predict_integers,
    step_thresholds,
    train,
)

WEIGHTS = {
    "binary": BinaryWeights,
    "xnor": XnorWeights,
    "dorefa2": lambda: DoReFaWeights(2),
    "dorefa3": lambda: DoReFaWeights(3),
    "wrpn3": lambda: WrpnWeights(3),
    "linear3": lambda: LinearQuantWeights(3),
    "power4": lambda: PowerWeights(4),
    "shift-sum2": lambda: ShiftSumWeights(2, 3),
    "shared3": lambda: SharedWeights(3, centroid_bits=6),
    "twn": TwnWeights,
    "fixed-ternary": FixedTernaryWeights,
    "bitwise": BitwiseWeights,
    "ttq": TtqWeights,
    "lq3": lambda: LqWeights(3),
    "lq2-channel": lambda: LqWeights(2, per_channel=True),
    "alternating2": lambda: AlternatingWeights(2),
    "alternating2-channel": lambda: AlternatingWeights(2, per_channel=True, scale_bits=3),
    "abc3": lambda: AbcWeights(3),
}
ACTIVATION = {
    "sign": Sign,
    "bitwise": lambda: BitwiseSign(0.3),
    "dorefa2": lambda: StepActivation.dorefa(2),
    "hwgq3": lambda: StepActivation.hwgq(3),
    "residual2": ResidualSign,
    "residual3": lambda: ResidualSign(3),
    "horq2": HorqSign,
    "abc2": AbcActivation,
    "abc3": lambda: AbcActivation(3),
    "lq2": LqActivation,
    "log2": lambda: LogActivation(2),
    "lq3-signs": lambda: LqActivation(3, signs=True),
}
NORMS = {"norm": (BatchNorm, BatchNorm2d), "shift": (ShiftBatchNorm, ShiftBatchNorm2d)}


def last_of(weights):
    """Of a last layer: no scales of its outputs, which its integers could not hold."""
    return {"xnor": "binary"}.get(weights, weights.removesuffix("-channel"))


def net(weights, activation, sizes, first, norm="norm"):
    layers, n_in = [first], sizes[0] * (len(first.levels) if hasattr(first, "levels") else 1)
    for n_out in sizes[1:-1]:
        layers += [IntegerLinear(n_in, n_out, WEIGHTS[weights]()), NORMS[norm][0](n_out),
                   ACTIVATION[activation]()]
        n_in = n_out
    layers.append(IntegerLinear(n_in, sizes[-1], named(last_of(weights))))
    return nn.Sequential(*layers)


def named(weights):
    return {"lq2": lambda: LqWeights(2)}.get(weights, WEIGHTS.get(weights))()


def scrambled(module, rng):
    """Norms with gammas of all signs and zero, and means that make ties."""
    for part in module.modules():
        if isinstance(part, BatchNorm):
            n = part.num_features
            part.weight.data = torch.from_numpy(rng.choice([-1.5, -1, 0, 0.3, 1], n)).float()
            part.bias.data = torch.from_numpy(rng.choice([-0.5, 0, 0.75], n)).float()
            part.running_mean.data = torch.from_numpy(rng.integers(-4, 5, n) / 2).float()
            part.running_var.data = torch.from_numpy(rng.uniform(1, 90, n)).float()
    return module.eval()


def assert_equal(module, x):
    network = export(module, x)
    assert np.array_equal(golden.run(network, x)[network.scores], predict_integers(module, x))
    return network


@settings(max_examples=150)
@given(st.sampled_from(sorted(WEIGHTS)), st.sampled_from(sorted(ACTIVATION)),
       st.sampled_from(sorted(NORMS)), st.lists(st.integers(1, 9), min_size=3, max_size=5),
       st.integers(0, 2 ** 31 - 1), st.booleans())
def test_any_weights_with_any_activation(weights, activation, norm, sizes, seed, thermometer):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    first = ThermometerInput((2, 5), bits=3) if thermometer else QuantInput(bits=3)
    module = scrambled(net(weights, activation, sizes, first, norm), rng)
    assert_equal(module, rng.integers(0, 8, (40, sizes[0])))


@pytest.mark.parametrize(("weights", "activation", "norm"), [
    *((weights, activation, "norm") for weights in ("binary", "twn") for activation in ACTIVATION),
    *((weights, "residual2", "norm") for weights in WEIGHTS if weights not in ("binary", "twn")),
    *((weights, "sign", "shift") for weights in WEIGHTS),
])
def test_trained_networks_on_real_digits(weights, activation, norm):
    """Three epochs on the 8x8 digits: better than a guess, and the same in every score."""
    torch.manual_seed(0)
    split = digits()
    module = net(weights, activation, [64, 48, 32, 10], ThermometerInput((4, 10), bits=5), norm)
    module = train(module, split, settings=Settings(epochs=3, lr=1e-2, integer_products=True))
    network = assert_equal(module, split.x_test)
    classes = golden.run(network, split.x_test)[network.outputs[1]][:, 0]
    assert np.mean(classes == split.y_test) > 0.4
    assert [node.kind for node in network.nodes].count("threshold") == 2


def test_formats_of_a_network():
    module = net("ttq", "residual2", [4, 3, 2], QuantInput(bits=8)).eval()
    network = export(module, np.zeros((1, 4), dtype=int))
    weights, bases = module[1].format, module[3].format
    assert network.node("layer1").weights.format == weights
    assert network.node("layer3").format == bases
    assert network.node("layer3").table.shape == (3, 3)
    assert network.edges["layer3"].format == bases


# Convolutions

def maps_net(weights, activation, norm):
    """Padded convolution, pool, strided convolution, dense: channels 2, 5, 4 and 3 scores."""
    first, second = (IntegerConv2d(2, 5, 3, WEIGHTS[weights](), padding=1, pad_value=1),
                     IntegerConv2d(5, 4, (2, 3), WEIGHTS[weights](), stride=(1, 2)))
    return nn.Sequential(
        QuantInput(bits=3), first, NORMS[norm][1](5), ACTIVATION[activation](), nn.MaxPool2d(2),
        second, NORMS[norm][1](4), ACTIVATION[activation](), Flatten(),
        IntegerLinear(4 * 2, 3, named(last_of(weights))))


@pytest.mark.parametrize(("weights", "activation", "norm"), [
    *((weights, "sign", "norm") for weights in WEIGHTS),
    *((weights, "lq2", "shift") for weights in WEIGHTS),
    *(("xnor", activation, "norm") for activation in ACTIVATION),
])
def test_convolutions_of_any_weights(weights, activation, norm):
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    module = maps_net(weights, activation, norm)
    for part in (module[2], module[6]):
        part.weight.data = torch.from_numpy(rng.choice([-1.5, 1, 0.3], part.num_features)).float()
    for _ in range(3):
        module.train()(torch.from_numpy(rng.integers(0, 8, (20, 2, 6, 8))).float())
    x = rng.integers(0, 8, (40, 2, 6, 8))
    network = export(module.eval(), x)
    scores = golden.run(network, np.moveaxis(x, 1, -1))[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    assert len(np.unique(scores, axis=0)) > 3


def test_a_pool_behind_a_scaled_convolution():
    """The order of XNOR-Net's blocks: the sums are pooled, and the scales fold behind the pool."""
    torch.manual_seed(3)
    x = np.random.default_rng(3).integers(0, 8, (60, 2, 7, 9))
    module = nn.Sequential(
        QuantInput(bits=3), IntegerConv2d(2, 6, 3, XnorWeights()), nn.MaxPool2d(2), BatchNorm2d(6),
        Sign(), IntegerConv2d(6, 4, 2, XnorWeights()), BatchNorm2d(4), nn.MaxPool2d((1, 2)), Sign(),
        Flatten(), BinaryLinear(4, 5))
    for _ in range(3):
        module.train()(torch.from_numpy(x).float())
    network = export(module.eval(), x)
    kinds = [node.kind for node in network.nodes]
    assert kinds[1:5] == ["sliding_window", "mat_vec", "max_pool", "threshold"]
    scores = golden.run(network, np.moveaxis(x, 1, -1))[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    module[6].weight.data[1] = -1.0
    with pytest.raises(ExportError) as caught:
        export(module, x)
    assert caught.value.faults[0].startswith("module '7': input must not be a BatchNorm's output")


# Thresholds of several steps

def norm_of(gamma, beta, mean, var=1.0):
    norm = BatchNorm(1).double().eval()
    for tensor, value in ((norm.weight, gamma), (norm.bias, beta), (norm.running_mean, mean),
                          (norm.running_var, var)):
        tensor.data.fill_(value)
    return norm


@given(st.sampled_from(sorted(ACTIVATION)), st.floats(-3, 3), st.floats(-3, 3),
       st.floats(-20, 20), st.floats(0.01, 400), st.integers(-60, 60), st.integers(0, 90))
def test_thresholds_say_the_index_of_every_integer(name, gamma, beta, mean, var, low, span):
    layer, norm = ACTIVATION[name]().double().eval(), norm_of(gamma, beta, mean, var)
    steps = len(layer.format.levels) - 1
    table, invert = step_thresholds(lambda x: layer.index(norm(x)), steps, [low], [low + span])
    x = np.arange(low, low + span + 1)
    count = (x[:, None] >= table[0]).sum(axis=1)
    with torch.no_grad():
        expected = layer.index(norm(torch.from_numpy(x).double()[:, None])).numpy()[:, 0]
    assert np.array_equal(steps - count if invert[0] else count, expected)
    assert np.all(np.diff(table) >= 0)
    assert np.all((table >= low) & (table <= low + span + 1))


def test_gamma_of_zero_is_a_constant_level():
    layer, norm = StepActivation.dorefa(2).double(), norm_of(0, 0.5, 7)
    table, invert = step_thresholds(lambda x: layer.index(norm(x)), 3, [-5], [5])
    assert table.tolist() == [[-5, -5, 6]]
    assert invert.tolist() == [False]


def test_a_negative_gamma_counts_downwards():
    layer, norm = StepActivation(2, 1.0).double(), norm_of(-1, 0, 0, 1 - 1e-5)
    table, invert = step_thresholds(lambda x: layer.index(norm(x)), 3, [-9], [9])
    # -x rounded: 3 up to -3 (-2.5 would tie), then 2, 1, and 0 from 0 on.
    assert table.tolist() == [[-2, -1, 0]]
    assert invert.tolist() == [True]


# What is refused

def message(*layers, sample=((1, 2),)):
    with pytest.raises(ExportError) as caught:
        export(nn.Sequential(*layers).eval(), np.array(sample), name="bad")
    return caught.value.faults


def test_a_scaled_sum_needs_an_activation():
    waits = ("input must not be a BatchNorm's output or of a scaled sum, which has no exact form:"
             " put an activation of a few levels between (Sign ...), or fold it with"
             " hwgen.compress.fold_batch_norm")
    first = [QuantInput(bits=2), ScaledBinaryLinear(2, 2)]
    assert message(*first, QuantReLU(bits=2)) == (f"module '2': {waits}",)
    assert message(*first, BinaryLinear(2, 2)) == (f"module '2': {waits}",)
    assert message(*first)[0].startswith("result: must be the integers of a layer")


def test_a_norm_that_is_not_finite_is_named():
    norm = BatchNorm(2)
    norm.running_var.data = torch.tensor([1.0, -4.0])
    assert message(QuantInput(bits=2), BinaryLinear(2, 2), norm, Sign()) == (
        "module '2': gamma / sqrt(var + eps) must be finite, not nan at output 1, of gamma 1, var"
        " -4 and eps 1e-05",)
    norm.running_var.data.fill_(1)
    norm.weight.data[0] = float("nan")
    assert message(QuantInput(bits=2), BinaryLinear(2, 2), norm, StepActivation.dorefa(2)) == (
        "module '2': weight must be finite, not nan at index [0] (1 of 2 are not)",)


def test_gammas_that_fold_back_are_a_fault_of_their_layer():
    layer = ResidualSign()
    layer.gammas.data.fill_(0.5)
    assert message(QuantInput(bits=2), BinaryLinear(2, 2), BatchNorm(2), layer) == (
        "module '3': ResidualSign: gamma 0 must be above the sum of those behind it, not 4 of"
        " [4, 4] steps: call constrain()",)


def test_low_above_high_is_refused():
    from hwgen.numeric import SpecError

    with refused(SpecError, "low must be at most high, not 1 > 0 at output 0"):
        step_thresholds(lambda x: x >= 0, 1, [1], [0])
