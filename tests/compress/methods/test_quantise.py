import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain
from torch import nn

from hwgen.compress import (
    Flatten,
    QuantAdd,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Recipe,
    compress,
)
from hwgen.compress.bi_real import BiRealConv2d
from hwgen.compress.fixed import best_frac
from hwgen.compress.form import form_of, latent, put
from hwgen.compress.frame.prepare import activations
from hwgen.compress.graph import as_graph
from hwgen.compress.methods import Prune, Quantise, Share, Train
from hwgen.compress.methods.learned_steps import FollowSteps, LearnedReLU, LearnedStep, carry
from hwgen.compress.quantise import ACTIVATIONS, TWINS
from hwgen.numeric import SpecError


def integers(values, frac, limit=7):
    return torch.clamp(torch.round(values * 2.0 ** frac), -limit, limit)


@pytest.mark.parametrize(("peak", "wanted"), [(7.4, 0), (7.6, -1), (3.7, 1), (0.9, 3)])
def test_min_max_saturates_nothing_and_takes_the_smallest_such_step(peak, wanted):
    values = torch.tensor([0.1, -peak])
    frac = best_frac(values, lambda v: integers(v, 0), 3, "min_max")
    assert frac == wanted
    assert float((values * 2.0 ** frac).abs().max()) < 7.5 < 2 * float(
        (values * 2.0 ** frac).abs().max())


def test_a_percentile_leaves_out_the_outliers_and_zeros():
    values = torch.cat([torch.linspace(-3.5, 3.5, 1999), torch.tensor([100.0]), torch.zeros(9000)])
    assert best_frac(values, lambda v: integers(v, 0), 3, "percentile") == 1
    assert best_frac(values, lambda v: integers(v, 0), 3, "min_max") == -4


def test_least_squares_is_the_step_of_the_least_error():
    values = torch.from_numpy(np.random.default_rng(1).normal(size=1000))
    frac = best_frac(values, lambda v: integers(v, 0), 3)
    errors = {f: float(((integers(values, f) * 2.0 ** -f - values) ** 2).sum())
              for f in range(-3, 8)}
    assert errors[frac] == min(errors.values())


def layer_of(values, bits=3):
    layer = QuantLinear(len(values), 1, bits=bits, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([values]))
    return layer


def test_lsq_has_the_gradient_of_the_paper():
    """Equation 3: Q within it is round(v) - v, at its ends the end; scaled by 1 / sqrt(N Q)."""
    layer = layer_of([0.3, -0.6, 5.0, -5.0])
    form = put(layer, LearnedStep(layer.weight, layer.limit))
    with torch.no_grad():
        form.step.fill_(0.5)
    assert layer.weight.tolist() == [[0.5, -0.5, 1.5, -1.5]]
    grad = torch.tensor([[2.0, 3.0, 5.0, 11.0]])
    layer.weight.backward(grad)
    slopes = torch.tensor([1 - 0.6, -1 + 1.2, 3.0, -3.0])
    assert torch.allclose(form.step.grad, (grad[0] * slopes).sum() / (4 * 3) ** 0.5)
    assert latent(layer).grad.tolist() == [[2, 3, 0, 0]]


def test_lsq_begins_where_the_paper_says():
    layer = layer_of([1.0, -3.0])
    assert LearnedStep(layer.weight, 3).step.item() == pytest.approx(2 * 2 / 3 ** 0.5)


def test_lsq_of_activations():
    relu = LearnedReLU(QuantReLU(bits=2, frac=1), "lsq")
    x = torch.tensor([[-1.0, 0.3, 0.6, 9.0]], requires_grad=True)
    y = relu(x)
    assert y.tolist() == [[0, 0.5, 0.5, 1.5]]
    y.backward(torch.tensor([[1.0, 10.0, 100.0, 1000.0]]))
    assert x.grad.tolist() == [[0, 10, 100, 0]]
    wanted = (10 * (1 - 0.6) + 100 * (1 - 1.2) + 1000 * 3) / (4 * 3) ** 0.5
    assert relu.learned.grad.item() == pytest.approx(wanted)


def test_pact_has_the_gradient_of_the_paper():
    """Equation 3: that of alpha is 1 from alpha on, else 0; that of x the other way round."""
    relu = LearnedReLU(QuantReLU(bits=2, frac=1), "pact")
    assert relu.learned.item() == 1.5
    x = torch.tensor([[-1.0, 0.3, 1.4, 1.5, 9.0]], requires_grad=True)
    y = relu(x)
    assert y.tolist() == [[0, 0.5, 1.5, 1.5, 1.5]]
    y.backward(torch.tensor([[1.0, 10.0, 100.0, 1000.0, 10000.0]]))
    assert x.grad.tolist() == [[0, 10, 100, 0, 0]]
    assert relu.learned.grad.item() == 11000


def test_fraction_bits_follow_what_is_trained():
    net = nn.Sequential(QuantInput(bits=4, frac=4), QuantLinear(3, 2, bits=4, in_frac=4),
                        LearnedReLU(QuantReLU(bits=4, frac=2), "lsq"),
                        QuantLinear(2, 2, bits=4, in_frac=2))
    form = put(net[1], LearnedStep(net[1].weight, net[1].limit))
    with torch.no_grad():
        form.step.fill_(0.3)
        net[2].learned.fill_(0.11)
        latent(net[1]).fill_(9.0)
    FollowSteps("lsq").after(net, 3)
    assert (int(net[1].frac), int(net[2].frac), int(net[3].in_frac)) == (2, 3, 3)
    assert latent(net[1]).detach().max().item() == 7 / 4
    carry(net)
    assert (int(net[1].in_frac), int(net[3].in_frac)) == (4, 3)


@pytest.mark.parametrize("steps", ["lsq", "pact"])
def test_learned_steps_end_exact_and_stay(split, steps):
    torch.manual_seed(0)
    recipe = Recipe((Train(epochs=3, lr=1e-2, batch=50), Prune(density=0.5),
                     Quantise(weight_bits=3, activation_bits=3, steps=steps, epochs=3, lr=5e-3,
                              batch=50),
                     Share(bits=2, epochs=1)), name="learned")
    result = compress(Plain(), recipe, split)
    assert result.accuracy["golden"] > 50
    assert not any(isinstance(layer, LearnedReLU) for layer in result.module.modules())
    form = form_of(result.module.fc1, LearnedStep)
    assert (form is None) == (steps == "pact")
    assert form is None or not form.step.requires_grad


def test_learned_steps_must_be_trained():
    with refused(SpecError, "quantise: epochs must be at least 1, not 0"):
        Quantise(steps="lsq")


def test_activations_have_bits_of_their_own(split):
    step = Quantise(activation_bits={"relu_1": 3, "*": 6})
    result = compress(Plain(), Recipe((step,)), split)
    assert (result.module.relu.bits, result.module.relu_1.bits) == (6, 3)
    assert result.network.edges["relu_1"].format.bits == 3
    assert Recipe.from_dict(Recipe((step,)).to_dict()).steps == (step,)


@pytest.mark.parametrize(("bits", "reason"), [
    ({"fc1": 3}, "activation_bits must name layers of ['relu', 'relu_1'], or '*' for all others,"
                 " not 'fc1'"),
    ({"relu": 3}, "activation_bits must be given for every layer, and is not for 'relu_1': name it,"
                  " or '*' for all others"),
])
def test_activation_bits_are_of_all_activations(split, bits, reason):
    with refused(SpecError, f"recipe 'recipe': step 1 'quantise': {reason}"):
        compress(Plain(), Recipe((Quantise(activation_bits=bits),)), split)


def test_activations_are_all_layers_whose_twins_read_their_bits(split):
    unrounded = {BiRealConv2d, QuantInput, nn.Linear, nn.Conv2d, nn.MaxPool2d, nn.Flatten, Flatten,
                 QuantAdd}
    assert set(ACTIVATIONS) == set(TWINS) - unrounded
    assert list(activations(as_graph(Plain()))) == ["relu", "relu_1"]
