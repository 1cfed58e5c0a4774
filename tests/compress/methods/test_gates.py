"""Gates and noise on weights: the distributions of the papers, drawn, and what they leave."""

import math

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.interrupted import StoppedError, stopping
from cases.plain import Plain, PlainMaps, as_maps, weights_of
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import form_of, forms_of, latent, put
from hwgen.compress.methods import L0, Prune, Quantise, Train, Variational
from hwgen.compress.methods.l0 import Gates, _Expected
from hwgen.compress.methods.mask import Mask, to_mask
from hwgen.compress.methods.variational import Noise, _Bound, divergence
from hwgen.numeric import SpecError


def gates(weight, group="weight", kept=0.5):
    return Gates(weight, group=group, kept=kept, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("log_alpha", [-2.0, 0.0, 1.5])
def test_gates_are_open_as_often_as_the_penalty_says(log_alpha):
    """Equation 12 against draws of equation 10 and 11."""
    form = gates(torch.zeros(400, 400)).train()
    with torch.no_grad():
        form.place.fill_(log_alpha)
    torch.manual_seed(1)
    z = form.gates().detach()
    assert (z.min(), z.max()) == (0, 1)         # both ends have a mass of their own
    assert torch.allclose((z > 0).float().mean(), form.open().mean(), atol=0.005)
    form.eval()
    end = min(1.0, max(0.0, 1.2 / (1 + math.exp(-log_alpha)) - 0.1))
    assert torch.allclose(form.gates(), torch.full((400, 400), end))


def test_the_penalty_counts_weights_that_are_expected():
    net = nn.Sequential(nn.Linear(3, 2), nn.Conv2d(4, 5, 3))
    for layer, group in zip(net, ("input", "output"), strict=True):
        put(layer, gates(layer.weight, group))
        assert form_of(layer, Gates).log_alpha.shape == {
            "input": (1, 3), "output": (5, 1, 1, 1)}[group]
    found = _Expected({"0": 2.0, "1": 7.0}, 10).penalty(net, 0)
    wanted = (2.0 / 10 * 2 * form_of(net[0], Gates).open().sum()
              + 7.0 / 10 * 36 * form_of(net[1], Gates).open().sum())
    assert torch.allclose(found, wanted)
    found.backward()
    assert (form_of(net[0], Gates).place.grad > 0).all()


def test_a_mask_takes_the_place_of_a_form_among_others():
    layer = nn.Linear(3, 2)
    for form in (Mask(layer.weight), gates(layer.weight), Mask(layer.weight)):
        put(layer, form)
    first, mine, last = forms_of(layer)
    kept = torch.tensor([[True, False, True], [False, True, False]])
    to_mask(layer, mine, kept)
    assert forms_of(layer)[0] is first
    assert forms_of(layer)[2] is last
    assert torch.equal(layer.weight, latent(layer) * kept)


def test_the_divergence_is_that_of_the_paper():
    """Against the integral that its equation 14 approximates, up to the constant."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=400_000)
    for log_alpha in (-4.0, -1.0, 1.0, 4.0):
        alpha = math.exp(log_alpha)
        exact = -0.5 * log_alpha + np.log(np.abs(1 + math.sqrt(alpha) * noise)).mean()
        end = np.log(np.abs(noise)).mean()          # the limit of alpha to infinity
        assert abs(float(divergence(torch.tensor(log_alpha))) - (exact - end)) < 0.02


@pytest.mark.parametrize("layer", [nn.Linear(6, 4), nn.Conv2d(4, 4, 3, padding=1, groups=2)])
def test_noise_on_outputs_is_that_of_noise_on_weights(layer):
    torch.manual_seed(0)
    net = nn.Sequential(layer)
    form = put(layer, Noise(layer.weight, 0.0))
    with torch.no_grad():
        form.place.uniform_(-2, 1)
    x = torch.rand(1, 6) if isinstance(layer, nn.Linear) else torch.rand(1, 4, 3, 3)
    hook, weight, mean = _Bound({"0": 1.0}, 0.5, 10), latent(layer), net.eval()(x)
    hook.begin(net.train(), 4)
    drawn = net(x.expand(20_000, *x.shape[1:]))
    hook.end(net)
    assert torch.equal(net(x), mean)
    exact = torch.zeros_like(mean)
    for at in np.ndindex(*weight.shape):            # variance of a sum: that of each weight
        one = torch.zeros_like(weight)
        one[at] = 1.0
        part = nn.functional.linear(x, one) if x.dim() == 2 else layer._conv_forward(x, one, None)
        exact = exact + part.detach().square() * form.log_variance[at].exp()
    assert torch.allclose(drawn.mean(0), mean[0], atol=0.06)
    assert torch.allclose(drawn.var(0), exact[0], rtol=0.1)


def test_the_divergence_rises_to_its_whole_weight():
    net = nn.Sequential(nn.Linear(2, 1))
    put(net[0], Noise(net[0].weight, -1.0))
    hook = _Bound({"0": 3.0}, 0.5, 10)
    hook.begin(net, 8)
    whole = 3.0 / 10 * divergence(form_of(net[0], Noise).log_alpha(net[0].weight)).sum()
    for step, share in ((0, 0.25), (3, 1.0), (7, 1.0)):
        assert torch.allclose(hook.penalty(net, step), share * whole)
    hook.end(net)


@pytest.mark.parametrize(("model", "shape", "step"), [
    (Plain, lambda split: split, L0(strength=1.0, kept=0.5, epochs=5, lr=0.02)),
    (PlainMaps, as_maps, L0(strength={"fc": 2.0}, kept=0.5, group="input", epochs=5, lr=0.02)),
    (Plain, lambda split: split, Variational(start=-4.0, strength=4.0, warm=0.1, epochs=5,
                                                   lr=0.02)),
])
def test_weights_are_removed_for_good(split, model, shape, step):
    torch.manual_seed(0)
    recipe = Recipe((Train(epochs=2, lr=0.01), step, Quantise(weight_bits=12, epochs=1)), name="g")
    result = compress(model(), recipe, shape(split))
    shares = result.notes[step.kind]["density"]
    weights = weights_of(result.network)
    for name, share in shares.items():
        assert 0.02 < share < 0.9
        assert (weights[name] != 0).mean() <= share + 1e-4
    assert result.accuracy["torch"] == result.accuracy["golden"] > 40
    if getattr(step, "group", "") == "input":
        used = (weights["fc"] != 0).any(axis=0)
        assert abs(used.mean() - shares["fc"]) < 1e-4


def test_an_interrupted_training_at_random_ends_with_the_same_integers(split, tmp_path):
    def once(**options):
        torch.manual_seed(0)
        steps = (L0(strength=1.0, epochs=2, lr=0.02), Quantise())
        return compress(Plain(), Recipe(steps, name="g"), split, **options)

    with pytest.raises(StoppedError):
        once(folder=tmp_path, progress=stopping(lambda epoch: True))
    assert once(folder=tmp_path).network.digest == once().network.digest


@pytest.mark.parametrize(("steps", "message"), [
    ((Quantise(), L0()), "step 2 'l0': must not come after step 1 'quantise', which makes all"
     " numbers integers: gates are of floats: l0 before 'quantise'"),
    ((Prune(density=0.5), Variational(), Quantise()), "step 2 'variational': must not come after"
     " step 1 'prune', which removes weights: noise would be on what is removed:"
     " variational first"),
])
def test_floats_that_are_there(split, plain, steps, message):
    with refused(SpecError, f"recipe 'recipe': {message}"):
        compress(plain, Recipe(steps), split)
