import pytest
import torch
from cases.errors import refused
from cases.plain import PlainMaps, as_maps, net
from torch import nn
from torch.nn import functional as F

import hwgen
from hwgen.compress import Recipe, compress
from hwgen.compress.bi_real import ApproxSign, BiRealConv2d, bi_real_twin
from hwgen.compress.graph import as_graph
from hwgen.compress.methods import BiReal, Hgq, Prune, Quantise, Share, Slimming, Train
from hwgen.compress.methods.bi_real import with_shortcuts
from hwgen.compress.twin import State
from hwgen.numeric import Bipolar, SpecError


def small(norm=True, channels=6):
    """Two convolutions that keep the shape of their maps, the first with a norm."""
    def forward(self, x):
        a = F.max_pool2d(F.relu(self.conv1(x)), 2)
        a = self.conv2(a)
        a = F.relu(self.norm2(a) if norm else a)
        return self.fc(torch.flatten(F.max_pool2d(F.relu(self.conv3(a)), 2), 1))
    torch.manual_seed(0)
    return net(forward, conv1=nn.Conv2d(1, channels, 3, padding=1),
               conv2=nn.Conv2d(channels, channels, 3, padding=1), norm2=nn.BatchNorm2d(channels),
               conv3=nn.Conv2d(channels, channels, 3, padding=1),
               fc=nn.Linear(4 * channels, 10))


def strided():
    """A convolution that halves its maps, beside a shortcut of the model's own."""
    def forward(self, x):
        a = F.relu(self.conv1(x))
        b = self.norm2(self.conv2(a)) + self.beside(F.avg_pool2d(a, 2))
        return self.fc(torch.flatten(F.relu(b), 1))
    torch.manual_seed(0)
    return net(forward, conv1=nn.Conv2d(1, 4, 3, padding=1, stride=2),
               conv2=nn.Conv2d(4, 6, 3, padding=1, stride=2), norm2=nn.BatchNorm2d(6),
               beside=nn.Conv2d(4, 6, 1), fc=nn.Linear(24, 10))


def block(scale_bits=8):
    """One with statistics that a norm might have."""
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3)
    with torch.no_grad():
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 4)
        norm.weight.normal_()
        norm.bias.normal_()
    return BiRealConv2d(nn.Conv2d(2, 3, 3, padding=1), norm, scale_bits).eval()


def test_the_gradient_of_the_sign_is_that_of_the_polynomial():
    x = torch.tensor([-1.5, -1.0, -0.5, -0.25, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    y = ApproxSign()(x)
    assert y.tolist() == [-1, -1, -1, -1, 1, 1, 1, 1]
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 1.5, 2, 1, 0, 0]
    z = torch.tensor([-0.5, -0.25, 0.5], requires_grad=True)
    torch.where(z < 0, 2 * z + z * z, 2 * z - z * z).sum().backward()
    assert z.grad.tolist() == x.grad[[2, 3, 5]].tolist()


def test_the_gradient_of_a_weight_is_in_proportion_to_the_mean_magnitude():
    made, x = block(), torch.randn(4, 2, 5, 5)
    with torch.no_grad():
        made.weight[0, 0, 0, 0] = 1.5                   # beyond 1: no gradient
    scaled = (made.alpha()[:, None, None, None] * made.weight.detach().sign()).requires_grad_()
    signs = F.pad(torch.where(x >= 0, 1.0, -1.0), (1, 1, 1, 1), value=-1)
    made.norm(F.conv2d(signs, scaled)).square().sum().backward()
    made(x).square().sum().backward()
    expected = scaled.grad * made.alpha()[:, None, None, None]
    expected[0, 0, 0, 0] = 0
    assert torch.allclose(made.weight.grad, expected, rtol=1e-3, atol=1e-4)
    assert made.alpha().tolist() == [float(each.abs().mean()) for each in made.weight.detach()]


@torch.no_grad()
def test_the_twin_counts_signs_then_scales_each_channel():
    made, x = block(scale_bits=14), torch.randn(4, 2, 5, 5)
    twin = bi_real_twin(made, State({}))
    twin.scale.frac.fill_(12)
    sums = twin.matrix(twin.sign(x))
    by_hand = F.conv2d(F.pad(x.sign(), (1, 1, 1, 1), value=-1), made.weight.sign())
    assert torch.equal(sums, by_hand)
    assert torch.allclose(twin(x), made(x), atol=18 * 2.0 ** -12)


@torch.no_grad()
def test_what_a_convolution_reads_is_added_to_what_it_makes():
    model = as_graph(small()).eval()
    made = with_shortcuts(model, ["conv2", "conv3"], 8)
    x = torch.randn(5, 1, 8, 8)
    a = F.max_pool2d(model.conv1(x), 2)                 # linear: no ReLU is left
    for name in ("conv2", "conv3"):
        conv, norm = model.get_submodule(name), model.norm2 if name == "conv2" else None
        b = F.conv2d(F.pad(torch.where(a >= 0, 1.0, -1.0), (1, 1, 1, 1), value=-1),
                     conv.weight.sign() * conv.weight.abs().mean((1, 2, 3), keepdim=True))
        a = a + (norm or nn.BatchNorm2d(6).eval())(b)
    expected = model.fc(F.max_pool2d(a, 2).flatten(1))
    assert torch.allclose(made(x), expected, atol=1e-4)
    assert not any(isinstance(layer, nn.ReLU) for layer in made.modules())
    assert any(isinstance(layer, nn.ReLU) for layer in model.modules())


@torch.no_grad()
def test_a_sum_of_the_models_own_is_the_shortcut():
    model = as_graph(strided()).eval()
    made, x = with_shortcuts(model, ["conv2"], 8), torch.randn(3, 1, 8, 8)
    assert sum(type(layer).__name__ == "QuantAdd" for layer in made.modules()) == 1
    a = model.conv1(x)
    b = made.conv2(a) + model.beside(F.avg_pool2d(a, 2))
    assert torch.allclose(made(x), model.fc(b.flatten(1)), atol=1e-5)


@pytest.mark.parametrize("model", [small, strided])
def test_a_recipe_gives_binary_matrices_and_exact_sums(split, model):
    result = compress(model(), Recipe((
        Train(epochs=2, lr=0.01), BiReal(epochs=8, lr=0.01), Quantise(epochs=1, lr=1e-3))),
        as_maps(split))
    chosen = ["conv2", "conv3"] if model is small else ["conv2"]
    assert result.notes["bi-real"] == {"layers": chosen}
    formats = {node.name: node.weights.format for node in result.network.nodes
               if hasattr(node, "weights")}
    assert [name for name, each in formats.items() if isinstance(each, Bipolar)] \
        == [f"{name}_matrix" for name in chosen]
    assert sum(node.kind == "add" for node in result.network.nodes) == len(chosen)
    assert result.accuracy["golden"] == result.accuracy["torch"]
    assert result.accuracy["golden"] > 70
    assert all(f"{name}_matrix binary" in repr(hwgen.plan(result.network)) for name in chosen)


def test_later_steps_leave_the_signs(split):
    result = compress(small(norm=False), Recipe((
        BiReal(layers=["conv3"], scale_bits=6), Prune(density=0.5), Quantise(), Hgq(),
        Share(bits=3))), as_maps(split))
    assert [type(node.weights.format).__name__ for node in result.network.nodes
            if hasattr(node, "weights")] == ["Codebook", "Codebook", "Bipolar", "Fixed", "Codebook"]


@pytest.mark.parametrize(("layers", "reason"), [
    (["conv1"], "layer 'conv1' must make maps of the shape that it reads, (1, 8, 8), not (6, 8, 8),"
                " since both are added: leave it out, or add a shortcut of its own to the model,"
                " such as an average pool and a convolution of 1 x 1"),
    (["fc"], "layer 'fc' must be a Conv2d, not Linear(in_features=24, out_features=10, bias=True)"),
    (["conv9"], "layers must name layers of ['conv1', 'conv2', 'conv3', 'fc'], or '*' for all"
                " others, not 'conv9'"),
])
def test_layers_that_have_no_such_form(split, layers, reason):
    with refused(SpecError, f"recipe 'recipe': step 1 'bi-real': {reason}"):
        compress(small(), Recipe((BiReal(layers=layers), Quantise())), as_maps(split))


def test_signs_of_what_is_never_below_0(split):
    def forward(self, x):
        return self.fc(torch.flatten(self.conv2(torch.sigmoid(self.conv1(x))), 1))
    model = net(forward, conv1=nn.Conv2d(1, 2, 3, stride=2), conv2=nn.Conv2d(2, 2, 1),
                fc=nn.Linear(18, 10))
    with refused(SpecError, "recipe 'recipe': step 1 'bi-real': layer 'conv2' must read a"
                            " convolution, a batch norm, a sum or a ReLU, which becomes linear, not"
                            " Sigmoid: signs of others say too little, and the first convolution"
                            " stays as it is"):
        compress(model, Recipe((BiReal(layers=["conv2"]), Quantise())), as_maps(split))


def test_two_binary_convolutions_are_no_shortcut(split):
    with refused(SpecError, "recipe 'recipe': step 1 'bi-real': layer 'beside' must be added to"
                            " real values in 'add', not to other binary convolutions alone: leave"
                            " one of them out"):
        compress(strided(), Recipe((BiReal(layers=["beside", "conv2"]), Quantise())),
                 as_maps(split))


def test_groups_are_refused(split):
    def forward(self, x):
        return self.fc(torch.flatten(self.conv2(F.relu(self.conv1(x))), 1))
    model = net(forward, conv1=nn.Conv2d(1, 2, 3, stride=2), conv2=nn.Conv2d(2, 2, 1, groups=2),
                fc=nn.Linear(18, 10))
    with refused(SpecError, "recipe 'recipe': step 1 'bi-real': layer 'conv2' must have one group,"
                            " and a padding of zeros in numbers, not Conv2d(2, 2, kernel_size=(1,"
                            " 1), stride=(1, 1), groups=2)"):
        compress(model, Recipe((BiReal(layers=["conv2"]), Quantise())), as_maps(split))


def test_a_model_without_such_layers_is_refused(split):
    with refused(SpecError, "recipe 'recipe': step 1 'bi-real': model must have a convolution"
                            " larger than 1 x 1, not the first or last layer, whose maps keep their"
                            " shape, and has none"):
        compress(PlainMaps(), Recipe((BiReal(), Quantise())), as_maps(split))


@pytest.mark.parametrize(("before", "reason"), [
    (Quantise(), "makes all numbers integers: take 'bi-real' before 'quantise'"),
    (Prune(density=0.5), "removes weights: signs follow from all latent weights: take 'bi-real'"
                         " first"),
    (Slimming(density=0.5), "finds sizes of layers in training: it must know them before: put it"
                            " first"),
])
def test_steps_that_it_must_not_follow(split, before, reason):
    with refused(SpecError, f"recipe 'recipe': step 2 'bi-real': must not come after step 1"
                            f" '{before.kind}', which {reason}"):
        compress(small(), Recipe((before, BiReal(), Quantise())), as_maps(split))


@pytest.mark.parametrize(("fields", "message"), [
    ({"scale_bits": 1}, "bi-real: scale_bits must be in 2..16, not 1"),
    ({"epochs": 0}, "bi-real: epochs must be at least 1, not 0"),
])
def test_fields_out_of_range(fields, message):
    with refused(SpecError, message):
        BiReal(**fields)
