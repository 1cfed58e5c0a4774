import torch
from cases.plain import Plain, weights_of
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import form_of, put
from hwgen.compress.frame.prepare import prepared
from hwgen.compress.frame.run import Run
from hwgen.compress.methods import Admm, Quantise, Train
from hwgen.compress.methods.admm import Duals, _Augmented, projected


def test_z_is_the_projection_and_u_sums_what_is_left():
    net = nn.Sequential(nn.Linear(4, 1, bias=False))
    layer = net[0]
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -3.0, 2.0, -0.5]]))
    form = put(layer, Duals(layer.weight, 0.5))
    assert form.sparse.tolist() == [[0, -3, 2, 0]]
    hook = _Augmented({"0": 0.5}, 0.2, 2)
    hook.begin(net, 5)                      # updates behind the steps 1 and 3
    assert torch.allclose(hook.penalty(net, 0), torch.tensor(0.1 * (1 + 0.25)))
    hook.penalty(net, 0).backward()
    assert torch.allclose(layer.parametrizations.weight.original.grad,
                          0.2 * torch.tensor([[1.0, 0, 0, -0.5]]))
    hook.after(net, 0)
    assert not form.dual.any()
    hook.after(net, 1)
    assert form.dual.tolist() == [[1, 0, 0, -0.5]]
    hook.after(net, 3)                      # W + U = 2, -3, 2, -1: two of the largest, the first
    assert form.sparse.tolist() == [[2, -3, 0, 0]]
    assert form.dual.tolist() == [[0, 0, 2, -1]]


def test_the_projection_is_the_nearest_of_its_density():
    torch.manual_seed(0)
    weight = torch.randn(5, 7)
    found = projected(weight, 0.2)
    assert int((found != 0).sum()) == 7
    others = weight * (torch.rand(200, 35).argsort(1).argsort(1) < 7).view(200, 5, 7)
    assert (weight - found).square().sum() <= (weight - others).square().sum((1, 2)).min()


def test_weights_are_drawn_to_the_sparse_copies(split):
    def outside(rho):
        torch.manual_seed(0)
        step = Admm(density={"fc1": 0.1}, rho=rho, epochs=3, retrain=0, lr=3e-3)
        run = Run(prepared(Plain(), split), Recipe((step, Quantise())), split)
        run.enter(0)
        step.apply(run)
        weight = run.matrices["fc1"].parametrizations.weight.original.detach()
        return float(weight[run.matrices["fc1"].weight == 0].square().sum())

    assert outside(0.1) < outside(1e-6) / 3


def test_the_network_has_the_density(split):
    torch.manual_seed(0)
    recipe = Recipe((Train(epochs=2, lr=0.01), Admm(density={"fc1": 0.1, "*": 0.4}, epochs=2,
                                                    retrain=2, lr=5e-3), Quantise(weight_bits=12)),
                    name="admm")
    result = compress(Plain(), recipe, split)
    weights = weights_of(result.network)
    for name, density in (("fc1", 0.1), ("fc2", 0.4), ("fc3", 0.4)):
        assert abs(result.notes["admm"]["density"][name] - density) < 2e-3
        assert (weights[name] != 0).mean() <= density + 2e-3
    assert result.accuracy["torch"] == result.accuracy["golden"] > 60
    assert form_of(result.module.fc1, Duals) is None
