"""Bits of each weight: HGQ's gradients by hand, exact integers, and what strength does."""

import math

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain

from hwgen.compress import QuantLinear, Recipe, compress
from hwgen.compress.form import form_of, latent, put
from hwgen.compress.methods import Hgq, Quantise, Share, Train
from hwgen.compress.methods.hgq import FewerBits, spans
from hwgen.numeric import SpecError


def layer_of(values, bits=5, frac=3, group="weight", speed=1.0):
    layer = QuantLinear(len(values[0]), len(values), bits=bits, bias=False)
    layer.frac.fill_(frac)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(values))
    return layer, put(layer, FewerBits(layer, group, speed))


def test_weights_are_rounded_to_bits_of_their_own_and_stay_integers():
    layer, form = layer_of([[0.3, 0.3, 0.3, 1.8, 1.8]])
    assert layer.integer_weight().tolist() == [[2, 2, 2, 14, 14]]
    with torch.no_grad():
        form.off.copy_(torch.tensor([[0.0, 2.0, 3.0, 2.4, 5.0]]))
    assert layer.integer_weight().tolist() == [[2, 4, 0, 12, 0]]     # 16 would be beyond 15
    assert (layer.weight * 8).tolist() == [[2, 4, 0, 12, 0]]
    assert form.width(layer.weight).tolist() == [[2, 1, 0, 2, 0]]


def test_the_gradient_is_that_of_a_rounding_error_that_shrinks_with_each_bit():
    layer, form = layer_of([[0.3, -0.6]], group="layer", speed=2.0)
    with torch.no_grad():
        form.off.fill_(0.5)      # one bit less: steps of 1 / 4
    assert layer.weight.tolist() == [[0.25, -0.5]]
    layer.weight.backward(torch.tensor([[3.0, 5.0]]))
    assert latent(layer).grad.tolist() == [[3, 5]]
    slope = math.log(2) * (3 * (0.3 - 0.25) + 5 * (-0.6 + 0.5))
    assert form.off.grad.item() == pytest.approx(-2 * slope, rel=1e-5)    # f falls as off rises


def test_every_bit_that_a_weight_has_costs_one():
    layer, form = layer_of([[0.3, 0.0], [1.8, -0.3]], group="output")
    form.width(layer.weight).sum().backward()
    assert form.off.grad.tolist() == [[-1], [-2]]       # weights that are not 0
    with torch.no_grad():
        form.off.copy_(torch.tensor([[-3.0], [9.0]]))
    form.constrain()
    assert form.off.tolist() == [[0], [5]]


def test_spans_are_from_the_highest_to_the_lowest_bit():
    assert spans([0, 1, -2, 3, 12, -13, 96, 1 << 40]).tolist() == [0, 1, 1, 2, 2, 4, 2, 1]


@pytest.fixture(scope="module")
def results(split):
    torch.manual_seed(0)
    model = Plain()
    before = Train(epochs=4, lr=1e-2), Quantise(weight_bits=8)
    return [compress(model, Recipe((*before, Hgq(strength=strength, epochs=4, lr=2e-3, speed=60.0)),
                                   name="h"), split) for strength in (0.0, 5.0)]


def test_strength_takes_bits_off_at_little_error(results):
    free, cheap = (result.notes["hgq"] for result in results)
    assert cheap["ebops"] < 0.6 * cheap["ebops_before"]
    assert cheap["ebops"] < 0.7 * free["ebops"]
    assert results[1].error < results[0].error + 5


def test_what_is_noted_is_what_the_network_has(results):
    network, notes = results[1].network, results[1].notes["hgq"]
    bits = {"fc1": 5, "fc2": 8, "fc3": 8}
    weights = {name: network.node(name).weights.to_dense() for name in bits}
    assert sum(bits[name] * spans(each).sum() for name, each in weights.items()) == notes["ebops"]
    assert notes["zeros"]["fc1"] == round(float(np.mean(weights["fc1"] == 0)), 5)
    assert {network.node(name).weights.format.bits for name in bits} == {8}
    assert not form_of(results[1].module.fc1, FewerBits).off.requires_grad


@pytest.mark.parametrize(("steps", "reason"), [
    ((Hgq(), Quantise()), "recipe 'r': step 1 'hgq': must come after a step that puts weights"
                          " into fixed point, such as 'quantise': it takes bits off integers"),
    ((Quantise(), Share(), Hgq()), "recipe 'r': step 3 'hgq': must not come after step 2 'share',"
                                   " which lets weights share values: shared values have bits"
                                   " together: hgq before 'share'")])
def test_steps_that_do_not_go_together(split, steps, reason):
    with refused(SpecError, reason):
        compress(Plain(), Recipe(steps, name="r"), split)


def test_groups_that_are_none():
    with refused(SpecError, "hgq: group must be one of ['weight', 'output', 'layer'], not 'row'"):
        Hgq(group="row")
