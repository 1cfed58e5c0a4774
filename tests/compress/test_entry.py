from types import SimpleNamespace

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import net
from torch import nn

from hwgen.compress import QuantInput
from hwgen.compress.entry import InputScale
from hwgen.compress.frame.prepare import prepared
from hwgen.compress.graph import as_graph, layer_of
from hwgen.numeric import SpecError

VECTORS = SimpleNamespace(x_train=np.arange(24).reshape(4, 6) * 11, x_test=np.array([[255] * 6]))
MAPS = SimpleNamespace(x_train=VECTORS.x_train.reshape(4, 1, 2, 3), x_test=VECTORS.x_test)


def first_of(graph):
    return layer_of(graph, next(n for n in graph.graph.nodes if n.op == "call_module"))


def test_constants_of_the_input_are_one_scale():
    graph = as_graph(net(lambda self, x: self.fc((2 * (x - 3) + 1) / 4), fc=nn.Linear(6, 2)))
    scale = first_of(graph)
    assert isinstance(scale, InputScale)
    assert (scale.scale, scale.offset) == (0.5, -1.25)
    assert [n.op for n in graph.graph.nodes] == ["placeholder", "call_module", "call_module",
                                                 "output"]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("change", [lambda x: x / 255, lambda x: (x / 255 - 0.1307) / 0.3081,
                                    lambda x: torch.sub(x, 40).mul(0.01)])
def test_vectors_are_read_the_same(change, bias):
    torch.manual_seed(1)
    fc = nn.Linear(6, 2, bias=bias)
    model = net(lambda self, x: self.fc(torch.flatten(change(x), 1)), fc=fc)
    graph, x = prepared(model, VECTORS), torch.from_numpy(VECTORS.x_train).float()
    entry = first_of(graph)
    assert isinstance(entry, QuantInput)
    assert (entry.bits, int(entry.frac)) == (8, 8)
    with torch.no_grad():
        assert torch.allclose(graph(x), model(x), atol=1e-5)


def test_padding_of_maps_is_what_stands_for_zero():
    model = net(lambda self, x: self.conv((x - 33) / 79), conv=nn.Conv2d(1, 2, 3, padding=1))
    graph, x = prepared(model, MAPS), torch.from_numpy(MAPS.x_train).float()
    assert first_of(graph).zero_point == 33
    with torch.no_grad():
        assert torch.allclose(graph(x), model(x), atol=1e-5)


def test_a_scale_that_no_matrix_reads_is_refused():
    model = net(lambda self, x: self.fc(self.act(x / 255)), act=nn.ReLU(), fc=nn.Linear(6, 2))
    with refused(SpecError, "scale of the input must be read by Linear or Conv2d, into which it is"
                            " folded, not by 'act', a ReLU"):
        prepared(model, VECTORS)
