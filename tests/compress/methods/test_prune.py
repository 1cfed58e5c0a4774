import numpy as np
import torch
from cases.errors import refused
from cases.plain import Plain
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import latent, put
from hwgen.compress.methods import Prune, Quantise
from hwgen.compress.methods.mask import Mask, keep
from hwgen.compress.methods.splice import Surgery
from hwgen.numeric import SpecError


def layer_of(values):
    layer = nn.Linear(len(values[0]), len(values), bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(values))
    put(layer, Mask(layer.weight))
    return layer


def test_the_largest_stay_and_none_comes_back():
    layer = layer_of([[1.0, -4.0, 2.0, -3.0]])
    keep(layer, latent(layer).abs(), 0.5)
    assert layer.weight.tolist() == [[0, -4, 0, -3]]
    with torch.no_grad():
        latent(layer)[0, 0] = 9.0
    keep(layer, latent(layer).abs(), 0.25)
    assert layer.weight.tolist() == [[0, -4, 0, 0]]
    keep(layer, latent(layer).abs(), 1.0)
    assert layer.weight.tolist() == [[0, -4, 0, 0]]


def test_what_another_form_has_removed_counts_as_removed():
    layer = layer_of([[1.0, -4.0, 2.0, -3.0]])
    put(layer, Surgery(layer.weight)).kept[0, 1] = False
    keep(layer, latent(layer).abs(), 0.5)
    assert layer.weight.tolist() == [[0, 0, 2, -3]]


def test_removed_weights_get_no_gradient():
    layer = layer_of([[1.0, -4.0]])
    keep(layer, latent(layer).abs(), 0.5)
    layer(torch.ones(1, 2)).sum().backward()
    assert latent(layer).grad.tolist() == [[0, 1]]


def test_the_density_falls_along_the_cubic_and_ends_exactly(split):
    torch.manual_seed(0)
    seen = []
    result = compress(Plain(), Recipe((Prune(density={"fc1": 0.1, "fc2": 0.5}, epochs=5, ends=0.8,
                                             every=1, batch=50), Quantise(weight_bits=16))), split,
                      progress=seen.append)
    steps, falls = 26, int(0.8 * 130)
    assert len(seen) == 5
    for epoch in seen:
        t = min((epoch.epoch * steps - 1) / falls, 1)
        wanted = [round((f + (1 - f) * (1 - t) ** 3) * n) for f, n in ((0.1, 1536), (0.5, 576))]
        assert abs(epoch.density * 2352 - sum(wanted) - 240) < 3
    nodes = {node.name: node.weights for node in result.network.nodes if hasattr(node, "weights")}
    assert nodes["fc1"].nonzeros == round(0.1 * 1536)
    assert nodes["fc2"].nonzeros == 288
    assert np.count_nonzero(nodes["fc3"].to_dense()) > 230


def test_not_behind_shared_weights():
    from hwgen.compress.frame.step import Context

    context = Context(None, {"fc": nn.Linear(2, 2)}, (), None)
    context.enter("step 1 'share'")
    context.mark("shared")
    with refused(SpecError, "must not come after step 1 'share', which lets weights share values:"
                            " the centroids were those of the weights that are now removed: prune"
                            " first"):
        Prune(density=0.5).validate(context)
