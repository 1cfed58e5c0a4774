import pytest
import torch
from cases.errors import refused
from cases.plain import net
from torch import nn
from torch.nn import functional as F

from hwgen.compress.channels import channels_of, inputs_of
from hwgen.compress.conv import Flatten
from hwgen.compress.form import put
from hwgen.compress.graph import as_graph
from hwgen.compress.methods.mask import Mask
from hwgen.compress.thermometer import ThermometerInput
from hwgen.numeric import SpecError


def mlp():
    return net(lambda self, x: self.fc2(F.relu(self.norm(self.fc1(x)))),
               fc1=nn.Linear(5, 6), norm=nn.BatchNorm1d(6), fc2=nn.Linear(6, 3)), (5,)


def cnn(flatten=nn.Flatten):
    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        return self.fc(self.flat(F.relu(self.conv2(x))))
    return net(forward, conv1=nn.Conv2d(2, 4, 3, padding=1), norm=nn.BatchNorm2d(4),
               conv2=nn.Conv2d(4, 5, 3, bias=False), flat=flatten(),
               fc=nn.Linear(20, 3)), (2, 8, 8)


def channels_last():
    return cnn(Flatten)


def depthwise():
    def forward(self, x):
        x = self.norm2(self.deep(F.relu(self.norm1(self.conv(x)))))
        return self.fc(F.relu(self.point(F.relu(x))).mean((2, 3)))
    return net(forward, conv=nn.Conv2d(1, 4, 3), norm1=nn.BatchNorm2d(4),
               deep=nn.Conv2d(4, 8, 3, padding=1, groups=4), norm2=nn.BatchNorm2d(8),
               point=nn.Conv2d(8, 5, 1), fc=nn.Linear(5, 3)), (1, 6, 6)


def residual():
    def forward(self, x):
        a = F.relu(self.norm1(self.conv1(x)))
        a = F.relu(self.norm3(self.conv3(F.relu(self.norm2(self.conv2(a))))) + a)
        a = F.relu(self.conv4(a) + self.shortcut(a))
        return self.fc(F.avg_pool2d(a, 2).flatten(1))
    return net(forward, conv1=nn.Conv2d(1, 4, 3, padding=1), norm1=nn.BatchNorm2d(4),
               conv2=nn.Conv2d(4, 6, 3, padding=1), norm2=nn.BatchNorm2d(6),
               conv3=nn.Conv2d(6, 4, 3, padding=1), norm3=nn.BatchNorm2d(4),
               conv4=nn.Conv2d(4, 5, 3, stride=2, padding=1),
               shortcut=nn.Conv2d(4, 5, 1, stride=2), fc=nn.Linear(5 * 4, 3)), (1, 8, 8)


def flattened_sum():
    """Neurons that are added to the elements of a map go with its channels."""
    def forward(self, x):
        a = torch.flatten(self.conv(x), 1)
        return self.fc2(F.relu(self.fc1(torch.flatten(x, 1)) + a))
    return net(forward, conv=nn.Conv2d(1, 3, 3), fc1=nn.Linear(16, 12),
               fc2=nn.Linear(12, 3)), (1, 4, 4)


def dyadic(model):
    """Parameters that are small multiples of 1/4, so that every order of a sum is exact."""
    generator = torch.Generator().manual_seed(1)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.eps = 0.0
            layer.running_mean.copy_(torch.randint(-3, 4, layer.running_mean.shape,
                                                   generator=generator) / 4)
            layer.running_var.fill_(4.0)
    for value in model.parameters():
        value.copy_(torch.randint(-3, 4, value.shape, generator=generator) / 4)
    return model.double()


def silence(model, channels, gone):
    """Set to 0 what makes the channels ``gone``."""
    for name, numbers in channels.rows.items():
        layer = model.get_submodule(name)
        for value in (layer.weight, layer.bias):
            if value is not None:
                value[torch.isin(numbers, gone)] = 0


@torch.no_grad()
@pytest.mark.parametrize("case", [mlp, cnn, channels_last, depthwise, residual, flattened_sum])
def test_scores_stay_where_channels_of_0_go(case):
    model, shape = case()
    model = dyadic(as_graph(model))
    x = torch.randint(-4, 5, (7, *shape)).double()
    channels = channels_of(model.float(), x)
    model.double()
    gone = torch.cat([each.numbers[::2] for each in channels.sets])
    whole = model(x)
    silence(model, channels, gone)
    small = channels.without(model, gone)
    assert not torch.equal(model(x), whole)
    assert torch.equal(small(x), model(x))
    for each in channels.sets:
        for name in each.layers:
            numbers = channels.rows[name]
            left = len(numbers) - int(torch.isin(numbers, gone).sum())
            assert len(small.get_submodule(name).weight) == left < len(numbers)
    assert sum(p.numel() for p in small.parameters()) < 0.6 * sum(
        p.numel() for p in model.parameters())
    again = channels_of(small.float(), x)
    assert again.count == channels.count - len(gone)


def sets_of(model, shape):
    found = channels_of(as_graph(model), torch.zeros(1, *shape))
    return {(each.layers, each.norms, each.readers): len(each.numbers) for each in found.sets}


def test_sums_and_depthwise_convolutions_tie_channels():
    assert sets_of(*residual()) == {
        (("conv1", "conv3"), ("norm1", "norm3"), ("conv2", "conv4", "shortcut")): 4,
        (("conv2",), ("norm2",), ("conv3",)): 6,
        (("conv4", "shortcut"), (), ("fc",)): 5}
    assert sets_of(*depthwise()) == {(("conv", "deep"), ("norm1", "norm2"), ("point",)): 4,
                                     (("point",), (), ("fc",)): 5}
    assert sets_of(*flattened_sum()) == {(("conv", "fc1"), (), ("fc2",)): 3}


def test_flattened_elements_are_of_their_map():
    for case, elements in ((cnn, [0, 0, 0, 0, 1, 1, 1, 1]), (channels_last, [0, 1, 2, 3, 4, 0])):
        found = channels_of(as_graph(case()[0]), torch.zeros(1, 2, 8, 8))
        columns = found.columns["fc"] - found.rows["conv2"][0]
        assert columns[:len(elements)].tolist() == elements


def test_what_must_stay_says_why():
    model = net(lambda self, x: self.b(F.relu(self.a(x) + x)), a=nn.Linear(4, 4),
                b=nn.Linear(4, 3))
    found = channels_of(as_graph(model), torch.zeros(1, 4))
    assert found.stay == {"a": "its input is added to them", "b": "they are its scores"}
    assert found.sets == ()


@pytest.mark.parametrize(("reader", "kind"), [
    (nn.Conv2d(4, 4, 1, groups=2), "Conv2d"), (ThermometerInput([1, 2], bits=2),
                                               "ThermometerInput")])
def test_an_unknown_reader_keeps_its_channels(reader, kind):
    model = net(lambda self, x: self.c(torch.flatten(self.b(self.a(x)), 1)),
                a=nn.Conv2d(1, 4, 1), b=reader, c=nn.LazyLinear(3))
    model(torch.zeros(1, 1, 2, 2))
    found = channels_of(as_graph(model), torch.zeros(1, 1, 2, 2))
    assert found.stay["a"] == f"they are read or made by 'b', a {kind}"
    assert found.sets == ()


def test_totals_are_over_the_elements_of_a_channel():
    found = channels_of(as_graph(flattened_sum()[0]), torch.zeros(1, 1, 4, 4))
    numbers = found.sets[0].numbers
    ones = {"conv": torch.ones(3), "fc1": torch.arange(12.0)}
    assert found.totals(ones)[numbers].tolist() == [1 + 6, 1 + 22, 1 + 38]
    assert found.totals_read({"fc2": torch.ones(2, 12)})[:, numbers].tolist() == [[4, 4, 4]] * 2


def test_inputs_keep_the_gradient_of_their_layer_alone():
    model = as_graph(net(lambda self, x: self.b(self.a(x)) + self.c(x), a=nn.Linear(2, 2),
                         b=nn.Linear(2, 1), c=nn.Linear(2, 1)))
    x = torch.randn(3, 2)
    read, scores = inputs_of(model, ["b", "c"], x)
    scores.sum().backward()
    assert torch.equal(read["c"], x)
    assert torch.equal(read["c"].grad, model.c.weight.detach().expand(3, 2))
    assert torch.equal(read["b"].grad, model.b.weight.detach().expand(3, 2))


def test_weights_under_a_form_are_not_cut():
    model, _ = mlp()
    put(model.fc2, Mask(model.fc2.weight))
    model = as_graph(model)
    found = channels_of(model, torch.zeros(1, 5))
    with refused(SpecError, "layer 'fc2' must have weights of their own where channels go, not"
                            " those of a pruning step: remove channels first"):
        found.without(model, found.sets[0].numbers[:1])
