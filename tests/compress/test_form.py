import numpy as np
import torch
from torch import nn

from hwgen import golden
from hwgen.compress import Form, QuantInput, QuantLinear, export, predict_integers, quantise
from hwgen.compress.form import baked, form_of, forms_of, latent, put
from hwgen.compress.methods.mask import Mask
from hwgen.ir import Shared


class Few(Form):
    """A few values."""

    is_shared = True

    def forward(self, weight):
        return torch.round(weight * 2) / 2


def masked():
    torch.manual_seed(0)
    net = nn.Sequential(QuantInput(bits=4, frac=4), nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3),
                        nn.ReLU(), nn.Flatten(), nn.Linear(27, 4))
    for k in (1, 5):
        mask = put(net[k], Mask(net[k].weight))
        mask.kept.view(-1)[::2] = False
    return net.eval()


def test_forms_stand_one_behind_another():
    layer = nn.Linear(4, 2)
    before = layer.weight.detach().clone()
    mask, few = put(layer, Mask(layer.weight)), put(layer, Few())
    mask.kept[0, 0] = False
    assert forms_of(layer) == [mask, few]
    assert form_of(layer, Few) is few
    assert form_of(layer, QuantLinear) is None
    assert torch.equal(latent(layer), before)
    assert float(layer.weight[0, 0].detach()) == 0
    assert torch.equal(layer.weight[1], torch.round(before[1] * 2) / 2)
    assert forms_of(nn.Linear(1, 1)) == []


def test_a_baked_copy_has_the_weights_and_leaves_the_original_alone():
    net = masked()
    plain = baked(net)
    assert type(plain[5]) is nn.Linear
    assert torch.equal(plain[5].weight, net[5].weight)
    assert type(plain[5].weight) is nn.Parameter
    assert not hasattr(plain[5], "parametrizations")
    x = torch.rand(2, 2, 4, 4)
    before = net(x)
    with torch.no_grad():
        plain[5].weight.zero_()
    assert torch.equal(net(x), before)
    assert type(baked(net[5])) is nn.Linear


def test_masks_go_over_to_the_twin_in_its_order(rng):
    net, x = masked(), rng.integers(0, 16, (30, 2, 4, 4))
    twin = quantise(net, x, weight_bits=10, activation_bits=10)
    conv, fc = twin[1], twin[4]
    assert torch.equal(conv.weight != 0, net[1].weight.permute(0, 2, 3, 1).flatten(1) != 0)
    wanted = net[5].weight.unflatten(1, (3, 3, 3)).permute(0, 2, 3, 1).flatten(1) != 0
    assert torch.equal(fc.weight != 0, wanted)
    with torch.no_grad():
        near = net(torch.from_numpy(x).float())
        assert torch.allclose(twin(torch.from_numpy(x).float()), near, atol=2e-2)
    network = export(twin, x[:1])
    assert np.array_equal(golden.run(network, np.moveaxis(x, 1, -1))[network.scores],
                          predict_integers(twin, x))
    assert network.nodes[-2].weights.nonzeros <= int(wanted.sum())


def test_weights_beyond_the_range_come_back_also_behind_a_form():
    layer = QuantLinear(2, 2, bits=3)
    put(layer, Mask(layer.weight))
    with torch.no_grad():
        latent(layer).fill_(9)
    layer.constrain()
    assert float(latent(layer).detach().max()) == 0.75


def test_few_values_are_exported_as_a_codebook(rng):
    layer = QuantLinear(4, 3, bits=4, in_frac=0)
    put(layer, Few())
    network = export(nn.Sequential(QuantInput(bits=4), layer), rng.integers(0, 16, (1, 4)))
    weights = network.nodes[1].weights
    assert isinstance(weights, Shared)
    assert np.array_equal(weights.to_dense(), layer.integer_weight().detach().numpy())
