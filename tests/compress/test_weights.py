"""Integer weights of every kind: what all have in common, and those of k bits."""

import math

import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import (
    AbcWeights,
    AlternatingWeights,
    BinaryWeights,
    BitwiseWeights,
    DoReFaLinear,
    DoReFaWeights,
    FixedTernaryWeights,
    IntegerConv2d,
    IntegerLinear,
    LinearQuantWeights,
    LqWeights,
    MultiBaseLinear,
    TernaryLinear,
    TtqWeights,
    TwnWeights,
    TwoScaleTernaryLinear,
    WrpnLinear,
    WrpnWeights,
    XnorWeights,
)
from hwgen.numeric import Bipolar, Fixed, Planes, SpecError

KINDS = {
    "binary": BinaryWeights,
    "xnor": XnorWeights,
    **{f"dorefa{bits}": lambda bits=bits: DoReFaWeights(bits) for bits in (1, 2, 4)},
    **{f"wrpn{bits}": lambda bits=bits: WrpnWeights(bits) for bits in (2, 3)},
    **{f"linear{bits}": lambda bits=bits: LinearQuantWeights(bits) for bits in (2, 3)},
    "twn": TwnWeights,
    "fixed-ternary": FixedTernaryWeights,
    "bitwise": BitwiseWeights,
    "ttq": TtqWeights,
    **{f"lq{m}": lambda m=m: LqWeights(m) for m in (1, 2, 3)},
    "lq2-channel": lambda: LqWeights(2, per_channel=True, scale_bits=2),
    "alternating2": lambda: AlternatingWeights(2),
    "alternating2-channel": lambda: AlternatingWeights(2, per_channel=True, scale_bits=2),
    "abc3": lambda: AbcWeights(3),
}

UNUSED = {"wrpn2": {-2}, "wrpn3": {-4}, "ttq": {0}}
"""Values of the format that no weight takes, or only some draws of weights do."""

SOME_UNUSED = ("-channel", "abc")


def layer_of(kind, n_in=40, n_out=30):
    torch.manual_seed(0)
    return IntegerLinear(n_in, n_out, KINDS[kind]())


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_integers_of_the_format(kind):
    layer = layer_of(kind)
    weights = layer.integer_weight().detach().numpy()
    assert weights.dtype == np.float32
    assert np.array_equal(weights, np.rint(weights))
    assert layer.format.allowed(weights.astype(np.int64)).all()
    assert layer.format.planes is not None
    if not any(part in kind for part in SOME_UNUSED):
        unused = UNUSED.get(kind, set())
        assert set(weights.ravel()) | unused == set(layer.format.levels.tolist()) | unused


@pytest.mark.parametrize("kind", KINDS)
def test_weights_get_a_gradient_and_stay_in_range(kind):
    layer = layer_of(kind, 12, 6)
    layer(torch.ones(2, 12)).sum().backward()
    assert torch.count_nonzero(layer.weight.grad) > 60
    layer.weight.data.mul_(9)
    layer.constrain()
    # Only the order of bitwise weights counts.
    assert kind == "bitwise" or float(layer.weight.detach().abs().max()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_integers_are_the_same_in_float32_and_float64(kind):
    layer = layer_of(kind)
    single, scale = layer.integer_weight().detach(), layer.scale()
    layer.double()
    assert torch.equal(layer.integer_weight().detach(), single.double())
    assert scale is None or torch.allclose(layer.scale(), scale.double())


@pytest.mark.parametrize("kind", KINDS)
def test_the_outputs_are_scaled_sums_of_integers(kind):
    layer = layer_of(kind).eval()
    x = torch.randint(-1, 2, (5, 40)).float()
    sums = x.numpy() @ layer.integer_weight().detach().numpy().T
    scale = layer.scale()
    wanted = sums if scale is None else sums * scale.detach().numpy()
    assert np.array_equal(layer(x).detach().numpy(), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_convolution_has_the_weights_of_the_matrix(kind):
    torch.manual_seed(0)
    conv = IntegerConv2d(3, 5, 2, KINDS[kind]())
    layer = layer_of(kind, 12, 5)
    assert torch.equal(conv.integer_weight(), layer.integer_weight())
    x = torch.randint(-1, 2, (2, 3, 4, 4)).float()
    windows = x.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 4, 5, 1).flatten(3)
    assert torch.equal(conv.eval()(x), layer.eval()(windows.flatten(0, 2)).reshape(2, 3, 3, 5)
                       .permute(0, 3, 1, 2))


def test_named_layers_are_of_their_kind():
    torch.manual_seed(0)
    named = TwoScaleTernaryLinear(7, 5, bits=3, bias=True)
    torch.manual_seed(0)
    other = IntegerLinear(7, 5, TtqWeights(3), bias=True)
    assert torch.equal(named.integer_weight(), other.integer_weight())
    assert named.state_dict().keys() == other.state_dict().keys()


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_dorefa(bits):
    layer = DoReFaLinear(5, 4, bits=bits)
    w = layer.weight.detach().double()
    top = 2 ** bits - 1
    peak = max(abs(math.tanh(v)) for v in w.flatten().tolist())
    paper = [2 * round(top * (math.tanh(v) / (2 * peak) + 0.5)) / top - 1
             for v in w.flatten().tolist()]
    ours = layer.double().integer_weight().detach() / top
    assert ours.flatten().tolist() == pytest.approx(paper)


def test_dorefa_of_two_bits_has_two_planes_of_signs():
    assert DoReFaLinear(2, 2, bits=2).format == Planes.of_bases((1, 2))
    assert DoReFaLinear(2, 2, bits=1).format == Bipolar()


def test_wrpn():
    layer = WrpnLinear(5, 1, bits=3)
    layer.weight.data = torch.tensor([[-2.0, -0.49, 0.1, 0.2, 0.9]])
    assert layer.integer_weight().tolist() == [[-3, -1, 0, 1, 3]]


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_linear_quant_is_the_paper_s_on_a_step_of_two(bits):
    layer = IntegerLinear(50, 3, LinearQuantWeights(bits))
    step = 2.0 ** (1 - bits)
    paper = [min(max(round(w / step) * step, -1.0), 1 - step)
             for w in layer.weight.flatten().tolist()]
    assert (layer.integer_weight() * step).flatten().tolist() == paper
    assert layer.format == Fixed(bits, 0, True)


def test_linear_quant_saturates_without_a_gradient():
    layer = IntegerLinear(4, 1, LinearQuantWeights(2))
    layer.weight.data = torch.tensor([[-1.0, 0.6, 0.9, -0.2]])
    layer(torch.ones(1, 4)).sum().backward()
    assert layer.integer_weight().tolist() == [[-2, 1, 1, 0]]
    assert layer.weight.grad.tolist() == [[2, 2, 0, 2]]


def test_the_xnor_scale_is_the_nearest():
    layer = layer_of("xnor", 50, 3)
    w, signs = layer.weight.detach(), layer.integer_weight().detach()
    alpha = layer.scale().detach()
    least = torch.stack([((w - a * signs) ** 2).sum(1) for a in torch.linspace(0, 1, 1001)]).amin(0)
    assert torch.all(((w - alpha[:, None] * signs) ** 2).sum(1) <= least + 1e-6)
    x = torch.randn(2, 50)
    assert torch.allclose(layer(x), torch.nn.functional.linear(x, alpha[:, None] * signs),
                          atol=1e-5)


def test_a_scale_needs_the_bias_of_a_batch_norm():
    with refused(SpecError, "IntegerLinear: bias must be False with XnorWeights, whose outputs have"
                            " a scale each, not True"):
        IntegerLinear(2, 2, XnorWeights(), bias=True)


def test_an_object_of_weights_is_of_one_layer():
    weights = TwnWeights()
    IntegerLinear(2, 2, weights)
    with refused(SpecError, "TwnWeights: object must be of one layer, not shared by two: make"
                            " another for each"):
        IntegerConv2d(2, 2, 3, weights)


def test_the_quantiser_must_be_weights():
    with refused(TypeError, "IntegerLinear: quantiser must be Weights, such as BinaryWeights(), not"
                            " 3"):
        IntegerLinear(2, 2, 3)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: DoReFaLinear(1, 1, bits=0), "DoReFaWeights: bits must be in 1..8, not 0"),
    (lambda: WrpnLinear(1, 1, bits=1), "WrpnWeights: bits must be in 2..8, not 1"),
    (lambda: LinearQuantWeights(9), "LinearQuantWeights: bits must be in 2..8, not 9"),
    (lambda: TernaryLinear(1, 0), "TernaryLinear: n_out must be at least 1, not 0"),
    (lambda: TwoScaleTernaryLinear(1, 1, bits=7), "TtqWeights: bits must be in 1..6, not 7"),
    (lambda: MultiBaseLinear(1, 1, bases=5), "LqWeights: bases must be in 1..4, not 5"),
    (lambda: LqWeights(2, scale_bits=9), "LqWeights: scale_bits must be in 1..8, not 9"),
    (lambda: AlternatingWeights(2, rounds=-1),
     "AlternatingWeights: rounds must be at least 0, not -1"),
    (lambda: AbcWeights(9), "AbcWeights: bases must be in 1..8, not 9"),
    (lambda: BitwiseWeights(1), "BitwiseWeights: sparsity must be in [0, 1), not 1"),
])
def test_amounts_are_checked(make, message):
    with refused(SpecError, message):
        make()
