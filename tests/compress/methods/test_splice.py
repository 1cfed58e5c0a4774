import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import form_of, latent, put
from hwgen.compress.methods import PruneIterative, Quantise, Splice, Train
from hwgen.compress.methods.mask import Mask
from hwgen.compress.methods.prune_iterative import cut
from hwgen.compress.methods.splice import Surgery, _Surgeon, surgery
from hwgen.numeric import SpecError


def test_masks_have_hysteresis_between_the_two_thresholds():
    """Equation 3 of the paper."""
    magnitude = torch.tensor([0.5, 0.9, 1.0, 1.09, 1.1, 2.0])
    for before in (True, False):
        kept = torch.full((6,), before)
        assert surgery(magnitude, kept, 0.9, 1.1).tolist() == [
            False, before, before, before, True, True]


def layer_of(values):
    layer = nn.Linear(len(values), 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([values]))
    return layer


def test_weights_that_are_out_learn_by_the_masked_networks_gradient_and_come_back():
    layer = layer_of([0.1, 2.0])
    form = put(layer, Surgery(layer.weight))
    form.kept[0, 0] = False
    x = torch.tensor([[3.0, 5.0]])
    assert layer(x).item() == 10
    (layer(x) ** 2).sum().backward()
    assert latent(layer).grad.tolist() == [[60.0, 100.0]]   # 2 * 10 * x, of the masked output
    form.is_settled.fill_(True)
    layer.zero_grad()
    (layer(x) ** 2).sum().backward()
    assert latent(layer).grad.tolist() == [[0.0, 100.0]]


def surgeon(**changes):
    options = {"strengths": {}, "densities": {}, "band": 0.1, "ends": 0.5, "gamma": 0.0,
               "power": 1.0, "seed": 3}
    return _Surgeon(**{**options, **changes})


def test_thresholds_are_mean_and_deviations_of_the_start():
    net = nn.Sequential(layer_of([1.0, -2.0, 3.0, -6.0]))
    form = put(net[0], Surgery(net[0].weight))
    hook = surgeon(strengths={"0": 0.0})       # the mean: 3, with thresholds 2.7 and 3.3
    hook.begin(net, 10)
    hook.after(net, 0)
    assert form.kept.tolist() == [[False, False, True, True]]
    with torch.no_grad():
        latent(net[0])[0, 0], latent(net[0])[0, 2] = 9.0, 2.0
    hook.after(net, 1)
    assert form.kept.tolist() == [[True, False, False, True]]
    assert not bool(form.is_settled)
    hook.after(net, 5)
    assert bool(form.is_settled)


@pytest.mark.parametrize(("density", "left"), [
    (0.5, [False, False, True, True]),          # those that are in stay, though others are larger
    (0.25, [False, False, False, True]), (0.75, [False, True, True, True])])
def test_a_settled_mask_is_the_one_trained_under_but_for_the_share(density, left):
    net = nn.Sequential(layer_of([1.0, 1.05, 0.95, 1.02]))
    form = put(net[0], Surgery(net[0].weight))
    form.kept.copy_(torch.tensor([[False, False, True, True]]))
    hook = surgeon(densities={"0": density})
    hook.begin(net, 10)
    hook.after(net, 5)
    assert form.kept.tolist() == [left]
    assert bool(form.is_settled)
    came_in = 1 if density == 0.75 else None
    assert net[0].weight.tolist() == [pytest.approx([
        (is_left and k != came_in) * value
        for k, (value, is_left) in enumerate(zip([1.0, 1.05, 0.95, 1.02], left, strict=True))])]


def test_masks_are_looked_at_less_and_less():
    hook = surgeon(gamma=1e-2)
    due = [hook._is_due(step) for step in range(2000)]
    expected = [(1 + 1e-2 * step) ** -1 for step in range(2000)]
    for part in (slice(0, 200), slice(200, 1000), slice(1000, 2000)):
        assert abs(sum(due[part]) - sum(expected[part])) < 4 * sum(expected[part]) ** 0.5
    assert due == [hook._is_due(step) for step in range(2000)]


def test_a_recipe_with_surgery_keeps_what_it_says(split):
    torch.manual_seed(0)
    recipe = Recipe((Train(epochs=3, lr=1e-2),
                     Splice(density={"fc1": 0.1, "fc2": 0.3}, epochs=3, lr=5e-3, gamma=0.0),
                     Quantise(weight_bits=16, activation_bits=8)), name="dns")
    result = compress(Plain(), recipe, split)
    weights = {node.name: node.weights for node in result.network.nodes if hasattr(node, "weights")}
    shares = result.notes["splice"]["density"]
    assert set(shares) == {"fc1", "fc2"}
    for name, density in (("fc1", 0.1), ("fc2", 0.3)):
        assert abs(shares[name] - density) < 1e-3
        assert weights[name].density <= shares[name] + 1e-4
    assert weights["fc3"].density > 0.9


def test_one_of_strength_and_density():
    for options, found in (({}, "none"), ({"strength": 1.0, "density": 0.5}, "both")):
        with refused(SpecError, f"splice: one of strength and density must be given, not {found}"):
            Splice(**options)


def test_iterative_cuts_are_multiples_of_the_deviation_of_what_is_left():
    layer = layer_of([1.0, -1.0, 3.0, -3.0])
    put(layer, Mask(layer.weight))
    deviation = np.std([1, -1, 3, -3], ddof=1)
    cut(layer, 0.99 / deviation)
    assert layer.weight.tolist() == [[1, -1, 3, -3]]
    cut(layer, 1.01 / deviation)
    assert layer.weight.tolist() == [[0, 0, 3, -3]]
    with torch.no_grad():
        latent(layer)[0, 0] = 100.0
    cut(layer, 2.9 / np.std([3, -3], ddof=1))
    assert layer.weight.tolist() == [[0, 0, 3, -3]]


def test_rounds_remove_more_and_more(split):
    torch.manual_seed(0)
    seen = []
    recipe = Recipe((Train(epochs=2, lr=1e-2),
                     PruneIterative(quality={"fc1": 1.0}, rounds=3, epochs=1, lr=5e-3),
                     Quantise(weight_bits=16)), name="han")
    result = compress(Plain(), recipe, split, progress=seen.append)
    names = ["han-2-prune-iterative", "han-2-prune-iterative-2", "han-2-prune-iterative-3"]
    assert [e.name for e in seen[2:]] == names
    densities = [e.density for e in seen[1:]]
    assert densities == sorted(densities, reverse=True)
    assert densities[-1] < densities[1] < densities[0]
    node = next(node for node in result.network.nodes if node.name == "fc1")
    assert node.weights.density <= result.notes["prune-iterative"]["density"]["fc1"] + 1e-4 < 0.6


@pytest.mark.parametrize("form", [Mask, Surgery])
def test_masks_move_with_the_weights(form):
    mask = form(torch.zeros(2, 3))
    mask.kept[0, 1] = False
    moved = mask.moved(lambda kept: kept.flip(1))
    assert moved.kept.tolist() == mask.kept.flip(1).tolist()
    assert form_of(nn.Linear(1, 1), form) is None
