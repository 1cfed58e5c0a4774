"""The whole brain surgeon against closed forms, and a recipe of two layers at once."""

import numpy as np
import torch
from cases.errors import refused
from cases.plain import weights_of
from torch import nn
from torch.nn import functional as F

from hwgen.compress import Recipe, compress
from hwgen.compress.methods import Prune, PruneOBSFull, Quantise, Train, prune_obs_full
from hwgen.compress.methods.prune_obs_full import inverse_hessian, surgery
from hwgen.numeric import SpecError


def test_the_recursion_gives_the_inverse_of_the_hessian():
    torch.manual_seed(0)
    layer, x = nn.Linear(4, 3).double(), torch.randn(7, 4).double()
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0])

    def loss(weight):
        return F.cross_entropy(F.linear(x, weight.view(3, 4), layer.bias), labels)

    hessian = torch.autograd.functional.hessian(loss, layer.weight.detach().flatten())
    wanted = torch.linalg.inv(hessian + 0.01 * torch.eye(12))
    found = inverse_hessian(nn.Sequential(layer), {"0": layer}, x, 0.01)
    assert torch.allclose(found, wanted)


def test_layers_together_have_the_terms_between_them():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 2)).double()
    x, first, last = torch.randn(5, 3).double(), model[0].weight, model[2].weight
    found = torch.linalg.inv(inverse_hessian(model, {"0": model[0], "2": model[2]}, x, 0.5))
    wanted = 0.5 * torch.eye(20).double()
    for sample in x:
        scores = model(sample[None])[0]
        jacobian = torch.stack([torch.cat([g.flatten() for g in torch.autograd.grad(
            score, (first, last), retain_graph=True)]) for score in scores])
        p = torch.softmax(scores, 0).detach()
        wanted += jacobian.T @ (torch.diag(p) - torch.outer(p, p)) @ jacobian / 5
    assert torch.allclose(found, wanted)
    assert float(wanted[:12, 12:].abs().max()) > 0.01


def best_without(w, hessian, gone):
    """The least of ``(v - w)' H (v - w) / 2`` where ``v`` is 0 at ``gone``, and that ``v``."""
    left = [k for k in range(len(w)) if k not in gone]
    v = np.zeros_like(w)
    v[left] = np.linalg.solve(hessian[np.ix_(left, left)], (hessian @ w)[left])
    return (v - w) @ hessian @ (v - w) / 2, v


def test_surgery_removes_what_costs_least_and_leaves_the_best_of_the_others(rng):
    root = rng.normal(size=(9, 8))
    hessian, w = root.T @ root, rng.normal(size=8)
    weights, left = torch.from_numpy(w.copy()), torch.ones(8, dtype=torch.bool)
    inverse = torch.from_numpy(np.linalg.inv(hessian))
    gone = []
    for stay in (7, 6, 5):
        costs = {q: best_without(w, hessian, [*gone, q])[0] for q in range(8) if q not in gone}
        gone.append(min(costs, key=costs.get))
        surgery(weights, inverse, left, [(8, stay)])
        assert [q for q in range(8) if not left[q]] == sorted(gone)
        assert np.allclose(weights.numpy(), best_without(w, hessian, gone)[1])
    kept = left.numpy()
    assert np.allclose(inverse.numpy()[np.ix_(kept, kept)],
                       np.linalg.inv(hessian[np.ix_(kept, kept)]))


def test_each_layer_ends_at_its_own_count():
    weights, left = torch.tensor([1.0, 2, 3, 4, 5, 6]).double(), torch.ones(6, dtype=torch.bool)
    surgery(weights, torch.eye(6).double(), left, [(4, 3), (2, 1)])
    assert weights.tolist() == [0, 2, 3, 4, 0, 6]
    assert left.tolist() == [False, True, True, True, False, True]


def test_two_layers_lose_less_than_by_magnitude(split, monkeypatch):
    monkeypatch.setattr(prune_obs_full, "SAMPLES", 100)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(),
                          nn.Linear(12, 10))
    found = {}
    for step in (PruneOBSFull, Prune):
        more = {"rounds": 2} if step is PruneOBSFull else {}
        result = compress(model, Recipe((Train(epochs=8, lr=0.02), step(
            density={"2": 0.4, "4": 0.4}, **more), Quantise(weight_bits=12))), split)
        assert result.accuracy["torch"] == result.accuracy["golden"]
        found[step.kind] = result.accuracy["golden"]
        counts = [np.count_nonzero(each) for each in weights_of(result.network).values()]
        assert counts[1:] == [round(0.4 * 144), 48]
        assert counts[0] > 700
    assert found["prune-obs-full"] > found["prune"] + 5


def test_a_larger_network_is_refused(split):
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    with refused(SpecError, "recipe 'recipe': step 1 'prune-obs-full': density must name layers of"
                            " at most 2048 weights together, whose inverse Hessian has that many"
                            " squared, not 2368 of ['0', '2']: name smaller ones alone, or take"
                            " 'prune-obs', layer by layer"):
        compress(model, Recipe((PruneOBSFull(density=0.5), Quantise())), split)


def test_without_damping_there_is_no_inverse():
    with refused(SpecError, "prune-obs-full: damping must be above 0, not 0"):
        PruneOBSFull(density=0.5, damping=0)
