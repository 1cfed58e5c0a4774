import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.interrupted import StoppedError, stopping
from cases.plain import PlainMaps, as_maps, weights_of
from torch import nn

from hwgen.compress import IntegerLinear, Recipe, compress
from hwgen.compress.methods import Inq, Train
from hwgen.compress.methods.inq import IncrementalPowers
from hwgen.compress.powers import PowerWeights
from hwgen.ir import PowerSums
from hwgen.numeric import SpecError


def layer_of(values):
    layer = IntegerLinear(len(values), 1, IncrementalPowers(4))     # 4 powers, 1/8 to 1
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([values]))
    layer.quantiser.start(layer.weight)
    return layer


def test_the_largest_become_powers_and_stay_while_the_others_learn():
    layer = layer_of([1.0, 0.3, -0.7, 0.02])
    layer.quantiser.freeze(layer.weight, 0.5)
    assert layer.quantiser.is_real
    assert layer.quantiser.frozen.tolist() == [[True, False, True, False]]
    assert layer.weight.tolist() == pytest.approx(np.array([[1, 0.3, -0.5, 0.02]]))
    assert layer.integer_weight().tolist() == pytest.approx(np.array([[8, 2.4, -4, 0.16]]))
    layer(torch.tensor([[1.0, 2.0, 3.0, 4.0]])).backward()
    assert layer.weight.grad.tolist() == [[0, 16, 0, 32]]       # the unit is 1/8
    with torch.no_grad():
        layer.weight += 0.1
    layer.constrain()
    assert layer.weight.tolist() == pytest.approx(np.array([[1, 0.4, -0.5, 0.12]]))


def test_shares_accumulate_and_none_that_is_frozen_is_looked_at_again():
    layer = layer_of([1.0, 0.3, -0.7, 0.02])
    layer.quantiser.freeze(layer.weight, 0.5)
    with torch.no_grad():
        layer.weight[0, 1], layer.weight[0, 3] = -1.2, 1.0
    layer.quantiser.freeze(layer.weight, 0.75)
    assert layer.integer_weight().tolist() == [[8, -8, -4, 8]]
    assert layer.quantiser.frozen.tolist() == [[True, True, True, False]]
    with torch.no_grad():
        layer.weight[0, 3] = 0.05
    layer.quantiser.freeze(layer.weight, 1.0)
    assert not layer.quantiser.is_real
    assert layer.integer_weight().tolist() == [[8, -8, -4, 0]]      # 0.05 is below 1/16
    assert isinstance(layer.matrix(), PowerSums)


def test_frozen_at_once_they_are_those_of_the_rule():
    torch.manual_seed(0)
    layer, other = (IntegerLinear(9, 5, kind(5)) for kind in (IncrementalPowers, PowerWeights))
    other.weight.data = layer.weight.data.clone()
    for each in (layer, other):
        each.quantiser.start(each.weight)
    layer.quantiser.freeze(layer.weight, 1.0)
    assert torch.equal(layer.integer_weight(), other.integer_weight())


def mlp():
    return nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))


@pytest.mark.parametrize(("model", "shape"), [(mlp, lambda split: split), (PlainMaps, as_maps)])
def test_the_network_is_of_powers_of_two(split, model, shape):
    torch.manual_seed(0)
    seen = []
    recipe = Recipe((Train(epochs=2, lr=0.01), Inq(epochs=2, lr=0.01)), name="inq")
    result = compress(model(), recipe, shape(split), progress=seen.append)
    assert [e.name for e in seen[2::2]] == ["inq-2-inq", *(f"inq-2-inq-{k}" for k in (2, 3, 4))]
    for values in weights_of(result.network).values():
        assert set(np.unique(np.abs(values))) <= {0, *(1 << e for e in range(8))}
    assert all(isinstance(node.weights, PowerSums) for node in result.network.nodes
               if hasattr(node, "weights"))
    assert result.accuracy["torch"] == result.accuracy["golden"] > 60


def test_an_interrupted_round_ends_with_the_same_integers(split, tmp_path):
    def once(**options):
        torch.manual_seed(0)
        recipe = Recipe((Inq(epochs=2, lr=0.01, shares=[0.0, 0.6, 1.0]),), name="inq")
        return compress(mlp(), recipe, split, **options)

    with pytest.raises(StoppedError):
        once(folder=tmp_path, progress=stopping(
            lambda epoch: (epoch.name, epoch.epoch) == ("inq-1-inq-2", 1)))
    assert once(folder=tmp_path).network.digest == once().network.digest


@pytest.mark.parametrize("shares", [[], [0.5], [0.5, 0.5, 1.0], [1.0, 0.5]])
def test_shares_rise_to_one(shares):
    with refused(SpecError, f"inq: shares must rise from one to the next, to 1, not {shares}"):
        Inq(shares=shares)
