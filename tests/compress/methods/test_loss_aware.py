from itertools import product

import pytest
import torch
from cases.interrupted import StoppedError, stopping
from cases.plain import net
from torch import nn
from torch.nn import functional as F

from hwgen.compress import IntegerLinear, Recipe, compress
from hwgen.compress.methods import LossAware, Train
from hwgen.compress.methods.loss_aware import LossAwareWeights, SecondMoments
from hwgen.numeric import Bipolar


def layer(n_in=5, n_out=2):
    torch.manual_seed(0)
    result = IntegerLinear(n_in, n_out, LossAwareWeights())
    with torch.no_grad():
        result.weight.copy_(torch.randn(n_out, n_in) * 3)
    return result


def test_before_the_first_step_it_is_the_mean_magnitude():
    made = layer()
    assert made.scale().tolist() == pytest.approx([float(made.weight.detach().abs().mean())] * 2)


@torch.no_grad()
def test_no_other_signs_and_scale_lose_less_by_the_curvature():
    made = layer(3, 2)
    made.quantiser.update(torch.tensor([[0.1, 2.0, 0.5], [1.0, 0.01, 0.3]]))
    d, w = made.quantiser.curvature().double(), made.weight.double()
    assert torch.allclose(d, torch.tensor([[0.1, 2.0, 0.5], [1.0, 0.01, 0.3]]).double(), rtol=1e-5)

    alphas = torch.linspace(0.05, 6, 120).double()[:, None, None]
    found = (d * (float(made.scale()[0]) * made.integer_weight() - w).square()).sum()
    for signs in product((-1.0, 1.0), repeat=6):
        losses = (d * (alphas * torch.tensor(signs).view(2, 3) - w).square()).sum((1, 2))
        assert float(losses.min()) >= float(found) - 1e-6


def test_moments_are_those_of_adam():
    made, hook = layer(), SecondMoments(0.01)
    model = nn.Sequential(made)
    adam = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.01)
    for step in range(4):
        loss = made(torch.randn(8, 5)).square().sum() / 100
        adam.zero_grad()
        loss.backward()
        hook.gradient(model, step)
        adam.step()
    state = adam.state[made.weight]
    assert torch.allclose(made.quantiser.moments, state["exp_avg_sq"])
    corrected = state["exp_avg_sq"] / (1 - 0.999 ** 4)
    assert torch.allclose(made.quantiser.curvature(), corrected.sqrt() + 1e-8)


def test_the_gradient_is_that_of_the_scaled_signs():
    made, x = layer(), torch.randn(7, 5)
    scaled = (float(made.scale()[0]) * made.weight.detach().sign()).requires_grad_()
    F.linear(x, scaled).square().sum().backward()
    made(x).square().sum().backward()
    assert float(made.weight.detach().abs().max()) > 1          # and is not cut off there
    assert torch.allclose(made.weight.grad, scaled.grad, rtol=1e-4)


def test_latent_weights_are_not_clipped():
    made = layer()
    before = made.weight.detach().clone()
    made.constrain()
    assert torch.equal(made.weight, before)


@pytest.mark.parametrize("bits", [1, 8])
def test_a_recipe_gives_signs_and_thresholds(split, bits):
    torch.manual_seed(0)
    model = net(lambda self, x: self.c(F.relu(self.b(F.relu(self.a(x))))),
                a=nn.Linear(64, 32), b=nn.Linear(32, 32), c=nn.Linear(32, 10))
    result = compress(model, Recipe((
        Train(epochs=2, lr=0.01), LossAware(activation_bits=bits, epochs=8, lr=0.01))), split)
    weights = {node.name: node.weights for node in result.network.nodes if hasattr(node, "weights")}
    assert all(isinstance(each.format, Bipolar) for each in weights.values())
    quantiser = result.module.get_submodule("a.matrix").quantiser
    assert int(quantiser.steps) == 8 * -(-len(split.x_train) // 100)
    assert quantiser.moments.count_nonzero() > 0
    assert result.accuracy["golden"] == result.accuracy["torch"]
    assert result.accuracy["golden"] > 75


def test_a_training_goes_on_from_its_checkpoint(split, tmp_path):
    """Moments are in it: as if it had never stopped."""
    torch.manual_seed(0)
    model = net(lambda self, x: self.c(F.relu(self.a(x))), a=nn.Linear(64, 8), c=nn.Linear(8, 10))

    recipe = Recipe((LossAware(epochs=2, lr=0.01),))
    with pytest.raises(StoppedError):
        compress(model, recipe, split, folder=tmp_path,
                 progress=stopping(lambda epoch: epoch.epoch == 1))
    resumed = compress(model, recipe, split, folder=tmp_path)
    once = compress(model, recipe, split)
    for (name, a), (_, b) in zip(resumed.module.state_dict().items(),
                                 once.module.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
