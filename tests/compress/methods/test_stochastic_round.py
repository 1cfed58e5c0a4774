import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps, net
from torch import nn

from hwgen.compress import QuantLinear, Recipe, compress
from hwgen.compress.form import latent
from hwgen.compress.methods import (
    BiReal,
    Hgq,
    Prune,
    Quantise,
    Share,
    StochasticRound,
    Train,
)
from hwgen.compress.methods.stochastic_round import StoredIntegers, rounded
from hwgen.numeric import SpecError


def generator():
    return torch.Generator().manual_seed(5)


def test_the_mean_is_the_value_and_each_result_a_neighbour():
    n, values = 20_000, torch.tensor([-1.75, -0.1, 0.0, 0.25, 0.5, 3.0])
    found = rounded(values.expand(n, -1), generator())
    assert {k: set(found[:, k].tolist()) for k in (0, 1, 2, 3, 5)} == {
        0: {-2.0, -1.0}, 1: {-1.0, 0.0}, 2: {0.0}, 3: {0.0, 1.0}, 5: {3.0}}
    share = values - values.floor()
    deviation = (share * (1 - share) / n).sqrt()
    assert bool(((found.mean(0) - values).abs() <= 4 * deviation + 1e-6).all())
    assert found.mean(0)[3].item() == pytest.approx(0.25, abs=0.015)


def layer():
    result = QuantLinear(2, 3, bits=4, in_frac=5)
    result.frac.fill_(3)
    with torch.no_grad():
        result.weight.copy_(torch.tensor([[0.125, -0.875], [0.3, 0.06], [5.0, -5.0]]))
        result.bias.copy_(torch.tensor([0.5, 0.3001, 0.0]))
    return nn.ModuleDict({"fc": result})


@torch.no_grad()
def test_weights_lie_on_the_grid_and_saturate():
    model = layer()
    StoredIntegers(("fc",), 1).after(model, 0)
    fc, step = model["fc"], 0.125
    assert fc.weight[0].tolist() == [0.125, -0.875]
    assert fc.weight[1, 0].item() in (2 * step, 3 * step)
    assert fc.weight[1, 1].item() in (0, step)
    assert fc.weight[2].tolist() == [0.875, -0.875]
    assert fc.bias[[0, 2]].tolist() == [0.5, 0.0]
    assert fc.bias[1].item() in (76 / 256, 77 / 256)


@torch.no_grad()
def test_what_is_drawn_follows_from_seed_and_step_alone():
    values = torch.full((40, 2), 0.06)

    def after(seed, step):
        model = nn.ModuleDict({"fc": QuantLinear(2, 40, bits=4)})
        model["fc"].weight.copy_(values)
        StoredIntegers(("fc",), seed).after(model, step)
        return model["fc"].weight

    assert torch.equal(after(1, 2), after(1, 2))
    assert not torch.equal(after(1, 2), after(1, 3))
    assert not torch.equal(after(1, 2), after(2, 2))


@torch.no_grad()
def test_updates_below_half_a_step_count_where_the_nearest_integer_undoes_them():
    """400 updates of a tenth of a step: in the mean 40 steps, and none by the nearest."""
    model = nn.ModuleDict({"fc": QuantLinear(50, 40, bits=8, bias=False)})
    fc, step = model["fc"], 2.0 ** -7
    fc.weight.zero_()
    nearest = fc.weight.clone()
    hook = StoredIntegers(("fc",), 0)
    for k in range(400):
        fc.weight += 0.1 * step
        hook.after(model, k)
        nearest = torch.round((nearest + 0.1 * step) / step) * step
    assert float(nearest.abs().max()) == 0
    assert fc.weight.mean().item() / step == pytest.approx(40, abs=0.6)     # 4 deviations


def stored(result, name):
    found = result.module.get_submodule(name)
    return (latent(found).detach() * 2.0 ** int(found.frac)).numpy()


@pytest.mark.parametrize("model", [Plain, PlainMaps])
def test_the_stored_integers_are_exported(split, model):
    torch.manual_seed(0)
    model = model()
    split = as_maps(split) if isinstance(model, PlainMaps) else split
    result = compress(model, Recipe((
        Train(epochs=4, lr=0.01), Quantise(weight_bits=8), StochasticRound(epochs=4, lr=0.002))),
        split)
    for node in result.network.nodes:
        if hasattr(node, "weights"):
            assert (stored(result, node.name) == node.weights.to_dense()).all()
    assert result.accuracy["golden"] == result.accuracy["torch"]
    assert result.accuracy["golden"] > 75


def test_removed_weights_stay_removed(split):
    torch.manual_seed(0)
    result = compress(Plain(), Recipe((
        Train(epochs=2, lr=0.01), Prune(density=0.3, epochs=2, lr=0.01), Quantise(),
        StochasticRound(lr=0.002))), split)
    for node in result.network.nodes:
        if hasattr(node, "weights"):
            assert (node.weights.to_dense() != 0).mean() <= 0.301


def test_goes_behind_fixed_point(split, plain):
    with refused(SpecError, "recipe 'recipe': step 1 'stochastic-round': must come after a step"
                            " that puts weights into fixed point, such as 'quantise': updates are"
                            " rounded to its grid of integers"):
        compress(plain, Recipe((StochasticRound(), Quantise())), split)


@pytest.mark.parametrize(("before", "what", "reason"), [
    (Share(bits=3), "lets weights share values", "weights follow from others there, and are not"
                                                 " stored themselves: leave one of the two out"),
    (Hgq(), "gives each weight bits of its own", "the grid is a layer's, not one of each weight: do"
                                                 " this first"),
])
def test_not_behind_weights_that_are_no_integers_of_their_own(split, plain, before, what, reason):
    with refused(SpecError, f"recipe 'recipe': step 3 'stochastic-round': must not come after step"
                            f" 2 '{before.kind}', which {what}: {reason}"):
        compress(plain, Recipe((Quantise(), before, StochasticRound())), split)


def test_not_behind_signs(split):
    model = net(lambda self, x: self.fc(self.b(self.a(x)).flatten(1)), a=nn.Conv2d(1, 2, 3),
                b=nn.Conv2d(2, 2, 3, padding=1), fc=nn.Linear(72, 10))
    with refused(SpecError, "recipe 'recipe': step 3 'stochastic-round': must not come after step 1"
                            " 'bi-real', which makes signs of latent weights: those latent weights"
                            " are in float: leave one of the two out"):
        compress(model, Recipe((BiReal(), Quantise(), StochasticRound())), as_maps(split))


def test_no_epochs_are_refused():
    with refused(SpecError, "stochastic-round: epochs must be at least 1, not 0"):
        StochasticRound(epochs=0)
