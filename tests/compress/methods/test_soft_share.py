import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps
from scipy.stats import gamma, norm
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import latent, put
from hwgen.compress.methods import Prune, Quantise, SoftShare, Train
from hwgen.compress.methods.soft_share import SHAPES, Mixture
from hwgen.ir import Shared
from hwgen.numeric import SpecError


def a_mixture():
    form = Mixture(torch.tensor([[-1.0, 2.0]]), 2, 0.75)
    with torch.no_grad():
        form.log_deviations.copy_(torch.tensor([0.1, 0.2, 0.5]).log())
        form.logits.copy_(torch.tensor([0.6, 0.4]).log())
    return form


def test_means_begin_over_the_range():
    assert Mixture(torch.tensor([[-1.0, 2.0]]), 4, 0.9).means.tolist() == [-1, 0, 1, 2]


def test_the_cost_is_minus_the_logarithm_of_the_density():
    form, w = a_mixture(), np.array([0.05, -0.8, 2.5])
    density = (0.75 * norm.pdf(w, 0, 0.1) + 0.25 * 0.6 * norm.pdf(w, -1, 0.2)
               + 0.25 * 0.4 * norm.pdf(w, 2, 0.5))
    prior = 0.0
    for deviation, (alpha, beta) in zip((0.1, 0.2, 0.5), (SHAPES[0], SHAPES[1], SHAPES[1]),
                                        strict=True):
        at = gamma(alpha, scale=1 / beta)               # but for what does not depend on it
        prior += at.logpdf(deviation ** -2) - at.logpdf(1.0) - beta
    found = form.cost(torch.from_numpy(w).float()[None])
    assert np.isclose(found.item(), -np.log(density).sum() - prior, rtol=1e-4)


def test_settled_weights_take_the_mean_of_the_likeliest_component():
    layer = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.05, -0.8, 2.5, 0.2]]))
    form = put(layer, a_mixture())
    form.numbers = torch.zeros(1, 4, dtype=torch.int16)
    assert torch.equal(layer.weight, latent(layer))
    form.settle(latent(layer))
    assert layer.weight.tolist() == [[0, -1, 2, 0]]
    layer(torch.tensor([[1.0, 10, 100, 1000]])).sum().backward()
    assert form.means.grad.tolist() == [10, 100]
    assert form.logits.grad is None


@pytest.mark.parametrize("is_first", [True, False])
def test_the_network_has_few_values_and_zeros(split, is_first):
    torch.manual_seed(0)
    soft = SoftShare(components={"fc1": 7, "fc2": 3}, epochs=3, lr=3e-3, tau=0.02)
    steps = (soft, Quantise()) if is_first else (Quantise(), soft)
    result = compress(Plain(), Recipe((Train(epochs=3, lr=1e-2), *steps)), split)
    found = {node.name: node.weights for node in result.network.nodes if hasattr(node, "weights")}
    for name, most in (("fc1", 7), ("fc2", 3)):
        assert isinstance(found[name], Shared)
        noted = result.notes["soft-share"][name]
        values = found[name].to_dense()
        assert len(np.setdiff1d(values, [0])) <= noted["centroids"] <= most
        assert np.count_nonzero(values) <= round(noted["density"] * values.size) < values.size
    assert not isinstance(found["fc3"], Shared)


def test_an_interrupted_run_ends_with_the_same_integers(split, tmp_path):
    def run(progress=None):
        torch.manual_seed(0)
        recipe = Recipe((SoftShare(components=4, epochs=2), Quantise()), name="soft")
        return compress(Plain(), recipe, split, folder=tmp_path, progress=progress).network

    def stop(epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stop)
    resumed = run()
    for path in tmp_path.glob("*.ckpt"):
        path.unlink()
    for a, b in zip(resumed.nodes, run().nodes, strict=True):
        if hasattr(a, "weights"):
            assert np.array_equal(a.weights.to_dense(), b.weights.to_dense())


def test_what_does_not_go_together_is_refused(split):
    with refused(SpecError, "recipe 'recipe': step 2 'soft-share': must not come after step 1"
                            " 'prune', which removes weights: the prior removes and shares"
                            " weights itself: leave it out"):
        compress(Plain(), Recipe((Prune(density=0.5), SoftShare(), Quantise())), split)
    with refused(SpecError, "recipe 'recipe': step 1 'soft-share': must come after a step that"
                            " puts weights into fixed point, such as 'quantise': a batch norm"
                            " follows 'conv1', and folded into the weights it gives each output a"
                            " factor"):
        compress(PlainMaps(), Recipe((SoftShare(), Quantise())), as_maps(split))
