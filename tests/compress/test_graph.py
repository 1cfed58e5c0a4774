import copy

import pytest
import torch
from cases.errors import refused
from cases.plain import net
from torch import nn
from torch.nn import functional as F

from hwgen.compress.graph import as_graph, layer_of
from hwgen.compress.running import run_through
from hwgen.compress.tracing import place_of
from hwgen.numeric import SpecError

IMAGES = torch.linspace(-1, 1, 2 * 2 * 8 * 8).reshape(2, 2, 8, 8)


class Functional(nn.Module):
    """Everything that has a functional form, and a sum."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(16, 6), nn.Linear(6, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = torch.relu(self.conv2(x) + x).relu()
        x = F.avg_pool2d(x, 2)
        x = F.dropout(x.view(x.size(0), -1), 0.5, training=self.training)
        x = torch.flatten(self.fc1(x).reshape(x.shape[0], -1), 1)
        return F.log_softmax(self.fc2(F.relu(x)), dim=1)


def kinds(graph):
    return [type(layer_of(graph, n)).__name__ for n in graph.graph.nodes if n.op == "call_module"]


def test_functions_become_the_layers_that_do_the_same():
    net = Functional().eval()
    graph = as_graph(net)
    assert kinds(graph) == [
        "Conv2d", "ReLU", "MaxPool2d", "Conv2d", "QuantAdd", "ReLU", "ReLU", "AvgPool2d",
        "Flatten", "Dropout", "Linear", "Flatten", "Flatten", "ReLU", "Linear"]
    assert {n.op for n in graph.graph.nodes} == {"placeholder", "call_module", "output"}
    scores = graph(IMAGES)
    assert torch.equal(F.log_softmax(scores, 1), net(IMAGES))
    assert {"conv1", "conv2", "fc1", "fc2"} <= {name for name, _ in graph.named_children()}


def test_means_of_whole_maps():
    class Net(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    class Kept(nn.Module):
        def forward(self, x):
            return torch.mean(x, (-1, -2), keepdim=True)

    assert kinds(as_graph(Net())) == ["AdaptiveAvgPool2d", "Flatten"]
    assert kinds(as_graph(Kept())) == ["AdaptiveAvgPool2d"]
    assert torch.allclose(as_graph(Net())(IMAGES), IMAGES.mean((2, 3)), atol=1e-6)


def test_one_activation_may_be_used_twice():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.act, self.fc1, self.fc2 = nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.act(self.fc2(self.act(self.fc1(x))))

    names = [n.target for n in as_graph(Net()).graph.nodes if n.op == "call_module"]
    assert len(set(names)) == 4


def line_of(function, k):
    return f"test_graph.py:{function.__code__.co_firstlineno + k}"


def test_weights_used_twice_are_refused():
    def forward(self, x):
        x = self.fc(x)
        return self.fc(x)

    with refused(SpecError, f"module 'fc' ({line_of(forward, 2)}): must be called once, not twice:"
                            f" weights of two layers are not shared; make a second layer"):
        as_graph(net(forward, fc=nn.Linear(2, 2)))


def test_unknown_operations_are_refused_with_their_line():
    def forward(self, x):
        x = self.fc(x)
        return torch.sin(x)

    with pytest.raises(SpecError) as caught:
        as_graph(net(forward, fc=nn.Linear(2, 2)))
    assert str(caught.value).startswith(
        f"operation 'sin' ({line_of(forward, 2)}): must be one of add, ")
    assert str(caught.value).endswith(", or a layer that does the same: it has no exact form here."
                                      " Write it with these, and train it so")


def test_shapes_that_are_no_vectors_are_refused():
    def forward(self, x):
        return x.view(-1, 1, 8, 8)

    with refused(SpecError, f"operation 'view' ({line_of(forward, 1)}): must make vectors of"
                            f" samples, x.view(x.size(0), -1), and nothing else"):
        as_graph(net(forward, fc=nn.Linear(2, 2)))


def test_control_flow_that_depends_on_values_is_refused_with_its_line():
    def forward(self, x):
        if x.sum() > 0:
            return self.fc(x)
        return x

    with pytest.raises(SpecError) as caught:
        as_graph(net(forward, fc=nn.Linear(2, 2)))
    assert str(caught.value).startswith(
        f"module Net must have a forward that does not depend on values, at"
        f" {line_of(forward, 1)} ('if x.sum() > 0:'): torch.fx finds: ")
    assert str(caught.value).endswith("Take the branch out, or choose it in __init__")


def test_constants_are_not_added():
    def forward(self, x):
        return self.fc(x) + 1

    with refused(SpecError, f"operation 'add' ({line_of(forward, 1)}): must add two results of"
                            f" layers, not a constant or with alpha: put a constant into a bias"):
        as_graph(net(forward, fc=nn.Linear(2, 2)))


def test_tensors_of_the_module_are_refused():
    def forward(self, x):
        return x + self.fc.weight

    with refused(SpecError, f"operation 'fc.weight' ({line_of(forward, 1)}): must not use a tensor"
                            f" of the module itself: put it into a layer such as nn.Linear"):
        as_graph(net(forward, fc=nn.Linear(2, 2)))


def test_two_inputs_are_refused():
    def forward(self, x, y):
        return self.fc(x) + self.fc2(y)

    with refused(SpecError, "module Net must take one tensor, not 2 (x, y): let __init__ have the"
                            " rest"):
        as_graph(net(forward, fc=nn.Linear(2, 2), fc2=nn.Linear(2, 2)))


def test_several_results_are_refused():
    def forward(self, x):
        y, _ = self.rnn(x)
        return self.fc(y)

    with refused(SpecError, f"module 'rnn' ({line_of(forward, 1)}): must return one tensor, not"
                            f" several as LSTM does: it has no exact form here"):
        as_graph(net(forward, rnn=nn.LSTM(2, 2), fc=nn.Linear(2, 2)))


def test_a_part_of_one_result_is_named_as_it_is():
    def forward(self, x):
        return self.fc(x)[0]

    with pytest.raises(SpecError) as caught:
        as_graph(net(forward, fc=nn.Linear(2, 2)))
    assert str(caught.value).startswith(
        f"operation 'getitem' ({line_of(forward, 1)}): must be one of add, ")


def test_lines_stay_where_a_graph_is_made_one_again():
    def forward(self, x):
        x = self.fc(x)
        return F.relu(x)

    once = as_graph(net(forward, fc=nn.Linear(2, 2)))
    for graph in (once, as_graph(once), as_graph(copy.deepcopy(once))):
        assert {node.target: place_of(node) for node in graph.graph.nodes
                if node.op == "call_module"} == {
            "fc": f" ({line_of(forward, 1)})", "relu": f" ({line_of(forward, 2)})"}
    layers = as_graph(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    assert {place_of(node) for node in layers.graph.nodes} == {""}


def test_a_layer_that_cannot_take_its_input_is_named():
    def forward(self, x):
        return self.fc2(self.fc(x))

    whole = as_graph(net(forward, fc=nn.Linear(2, 2), fc2=nn.Linear(3, 2)))
    assert run_through(as_graph(nn.ReLU()), torch.tensor([-1.0, 2.0])).tolist() == [0, 2]
    with refused(SpecError, f"module 'fc2' ({line_of(forward, 1)}): mat1 and mat2 shapes cannot be"
                            f" multiplied (1x2 and 3x2)"):
        run_through(whole, torch.zeros(1, 2))
