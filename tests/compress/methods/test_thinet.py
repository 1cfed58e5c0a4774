import pytest
import torch
from cases.plain import Plain, PlainMaps, as_maps
from torch import nn
from torch.nn import functional as F

from hwgen.compress import Recipe, compress
from hwgen.compress.methods import Prune, Quantise, Thinet, Train
from hwgen.compress.methods.thinet import PLACES, contributions, greedy, scales


def generator():
    return torch.Generator().manual_seed(0)


def test_the_channel_that_costs_least_goes_next():
    """Behind the first one, not the next smaller goes but the one that takes its part back."""
    x = torch.randn(40, 6, generator=generator()).double()
    x = torch.linalg.qr(x).Q * torch.tensor([0.5, 0.6, 0.55, 2, 3, 4])
    x[:, 1] = -1.2 * x[:, 0]
    kept, gone = greedy(x.T @ x, 4), []
    while len(gone) < 2:
        gone.append(min((k for k in range(6) if k not in gone),
                        key=lambda k: float(x[:, [*gone, k]].sum(1).square().sum())))
    assert gone == [0, 1]
    assert kept.tolist() == [False, False, True, True, True, True]


def test_scales_are_the_least_squares_of_the_sum_of_all():
    x = torch.randn(50, 5, generator=generator()).double()
    kept = torch.tensor([True, False, True, True, False])
    best = torch.linalg.pinv(x[:, kept]) @ x.sum(1)
    assert torch.allclose(scales(x, kept), best)


@pytest.mark.parametrize("layer", [nn.Linear(6, 4, bias=False), nn.Conv2d(
    6, 4, 3, stride=2, padding=1, bias=False)])
def test_contributions_add_up_to_outputs(layer):
    x = torch.randn(3, 6, generator=generator())
    x = x if isinstance(layer, nn.Linear) else x[..., None, None] * torch.randn(3, 6, 5, 5)
    found = contributions(layer, x, generator())
    assert found.shape == (3 * PLACES, 6)
    outputs = layer(x).detach().double()
    for k, total in enumerate(found.sum(1)):
        assert float((outputs[k % 3] - total).abs().min()) < 1e-5


def twins():
    """Maps in pairs: the odd ones are half the even ones, and are read as they are."""
    torch.manual_seed(0)
    model = PlainMaps().eval()
    with torch.no_grad():
        model.conv2.weight.abs_()                       # so that no map is 0
        for layer in (model.conv1, model.norm1, model.conv2):
            for value in layer.parameters():
                value[1::2] = value[::2] * (0.5 if layer is not model.conv1 else 1)
        model.conv2.weight[:, 1::2] = model.conv2.weight[:, ::2]
        columns = model.fc.weight.unflatten(1, (6, 4))
        columns[:, 1::2] = columns[:, ::2]
        model.fc.weight *= 10
    return model


def test_scales_make_up_for_a_channel_that_another_one_is_like(split):
    """One of a pair goes, and the other one is read by more."""
    model, maps = twins(), as_maps(split)
    result = compress(model, Recipe((Thinet(density={"conv2": 5 / 6}),
                                     Quantise(weight_bits=14, activation_bits=14))), maps)
    x = torch.as_tensor(maps.x_test[:50]).float()
    scores = F.log_softmax(result.module(x), 1).detach()
    assert torch.allclose(scores, F.log_softmax(model(x / 32), 1).detach(), atol=0.02)


def test_a_recipe_gives_a_smaller_network(split):
    torch.manual_seed(0)
    result = compress(Plain(), Recipe((
        Train(epochs=8, lr=0.01), Thinet(density=0.5, epochs=2, lr=0.01), Prune(density=0.8),
        Quantise())), split)
    assert result.notes["thinet"] == {"outputs": {"fc1": 12, "fc2": 12, "fc3": 10}}
    assert result.accuracy["golden"] > 80


def test_a_layer_with_several_readers(split):
    """The residual neurons of ``Plain`` are read by fc2 and fc3; a dead one goes first."""
    torch.manual_seed(0)
    model = Plain()
    with torch.no_grad():
        for layer in (model.fc1, model.fc2):
            layer.weight[[2, 7]] = 0
            layer.bias[[2, 7]] = 0
    result = compress(model, Recipe((Thinet(density=22 / 24), Quantise(
        weight_bits=14, activation_bits=14))), split)
    alive = [k for k in range(24) if k not in (2, 7)]
    assert torch.allclose(result.module.fc1.weight, model.fc1.weight[alive], atol=1e-3)
    assert torch.allclose(result.module.fc3.weight, model.fc3.weight[:, alive], atol=1e-3)
