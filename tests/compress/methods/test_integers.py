import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps
from torch import nn

from hwgen.compress import (
    AbcActivation,
    IntegerLinear,
    LqActivation,
    Recipe,
    StepActivation,
    compress,
)
from hwgen.compress.frame.prepare import prepared
from hwgen.compress.integerise import SPREAD, integerise
from hwgen.compress.methods import INTEGERS, METHODS, Prune, Quantise, Train
from hwgen.compress.ternary import TwnWeights
from hwgen.ir import MatVec, Threshold
from hwgen.numeric import Planes, SpecError


def mlp():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 24), nn.BatchNorm1d(24),
                         nn.ReLU(), nn.Linear(24, 10))


def matrices_of(network):
    return [node for node in network.nodes if isinstance(node, MatVec)]


LEVELS = {"binary": {-1, 1}, "xnor": {-1, 1}, "dorefa": {-3, -1, 1, 3}, "wrpn": {-1, 0, 1},
          "hwgq": {-1, 1}, "rebnet": {-1, 1}, "horq": {-1, 1}, "twn": {-1, 0, 1},
          "ternary": {-1, 0, 1}, "powers": {0} | {s << e for s in (1, -1) for e in range(8)}}


@pytest.mark.parametrize("step", INTEGERS)
def test_every_matrix_is_of_the_kind_and_thresholds_follow(split, step):
    torch.manual_seed(0)
    result = compress(mlp(), Recipe((step(epochs=1, lr=0.01),)), split)
    matrices = matrices_of(result.network)
    assert [node.weights.shape for node in matrices] == [(32, 64), (24, 32), (10, 24)]
    found = set(np.unique(np.concatenate([m.weights.to_dense().ravel() for m in matrices])))
    assert found <= LEVELS.get(step.kind, set(range(-128, 129)))
    assert sum(isinstance(node, Threshold) for node in result.network.nodes) == 2
    assert result.accuracy["torch"] == result.accuracy["golden"]


def test_a_convolutional_one_learns(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((Train(epochs=6, lr=0.01), METHODS["powers"](
        epochs=8, lr=0.01))), as_maps(split))
    assert [node.name for node in matrices_of(result.network)] == [
        "conv1_matrix", "conv2_matrix", "fc"]
    assert result.accuracy["golden"] > 60


@pytest.mark.parametrize("step", ["twn", "binary", "powers"])
def test_padding_may_be_said_in_words(split, step):
    """``same`` is that of as many rows and columns at each side; a network of either is equal."""
    def model(padding, last):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 4, 3, padding=padding), nn.ReLU(),
                             nn.Conv2d(4, 4, 3, padding=last), nn.ReLU(), nn.Flatten(),
                             nn.Linear(144, 10))

    found = [compress(model(*words), Recipe((METHODS[step](epochs=1),)), as_maps(split))
             for words in (("same", "valid"), (1, 0))]
    assert found[0].network.digest == found[1].network.digest
    assert found[0].accuracy["torch"] == found[0].accuracy["golden"]


def test_weights_are_those_of_the_float_divided_by_the_largest(split):
    torch.manual_seed(0)
    model = mlp()
    twin = integerise(prepared(model, split), split.x_train[:200], weights=lambda _: TwnWeights(),
                      activation=lambda: StepActivation.dorefa(2))
    layers = [each for each in twin.modules() if isinstance(each, IntegerLinear)]
    for mine, name in zip(layers, ("0", "2", "5"), strict=True):
        weight = model.get_submodule(name).weight
        assert torch.equal(mine.weight, weight / weight.abs().max())
    twin.train()
    scores = twin(torch.tensor(split.x_train[:200]).float())
    assert SPREAD / 2 < float(scores.detach().std()) < SPREAD * 2


@pytest.mark.parametrize(("model", "steps", "message"), [
    (mlp, (Quantise(), METHODS["twn"]()), "step 2 'twn': must not come after step 1 'quantise',"
     " which makes all numbers integers: leave one of the two out"),
    (mlp, (Prune(density=0.5), METHODS["twn"]()), "step 2 'twn': must not come after step 1"
     " 'prune', which removes weights: integer weights follow from all latent ones: leave it out"),
    (Plain, (METHODS["twn"](),), "step 1 'twn': module 'add' (plain.py:21): must be QuantInput,"
     " Linear, Conv2d, a batch norm behind one of these, ReLU, MaxPool2d, Flatten or Dropout, not"
     " QuantAdd(): put one of these in its place, or take 'quantise'"),
    (lambda: nn.Sequential(nn.Linear(64, 8), nn.Linear(8, 10)), (METHODS["twn"](),),
     "step 1 'twn': module '1': must have an activation between it and the matrix"
     " before it"),
])
def test_what_has_no_such_twin_is_refused(split, model, steps, message):
    torch.manual_seed(0)
    with refused(SpecError, f"recipe 'recipe': {message}"):
        compress(model(), Recipe(steps), split)


@pytest.mark.parametrize("step", INTEGERS)
def test_what_is_pruned_behind_is_0_or_it_is_refused(split, step):
    torch.manual_seed(0)
    recipe = Recipe((step(), Prune(density=0.3)))
    if not step.has_zero:
        with refused(SpecError, f"recipe 'recipe': step 2 'prune': must not come after step 1"
                     f" '{step.kind}', which makes weights of which none can be 0: a mask would be"
                     f" without effect: leave one of the two out"):
            compress(mlp(), recipe, split)
        return
    weights = [node.weights.to_dense() for node in matrices_of(compress(mlp(), recipe,
                                                                        split).network)]
    assert all(np.count_nonzero(each) <= round(0.3 * each.size) for each in weights)


@pytest.mark.parametrize(("step", "kind", "bits"), [
    (METHODS["abc-net"](activation_bases=2, epochs=2, lr=0.01), AbcActivation, 2),
    (METHODS["lq-nets"](activations="learned", epochs=2, lr=0.01), LqActivation, 2),
    (METHODS["lq-nets"](activations="learned", activation_bits=3, per_channel=True, epochs=2,
                        lr=0.01), LqActivation, 3)], ids=["abc", "lq", "lq-channels"])
def test_activations_of_bases_are_trained_with_them(split, step, kind, bits):
    torch.manual_seed(0)
    result = compress(mlp(), Recipe((Train(epochs=2, lr=0.01), step)), split)
    layers = [each for each in result.module.modules() if isinstance(each, kind)]
    begun = kind(bits)
    for mine in layers:
        for name, value in mine.state_dict().items():
            assert not torch.equal(value, begun.state_dict()[name]), name
    formats = [node.format for node in result.network.nodes if isinstance(node, Threshold)]
    assert formats == [each.format for each in layers]
    assert all(isinstance(fmt, Planes) and len(fmt.levels) == 1 << bits for fmt in formats)
    assert result.accuracy["torch"] == result.accuracy["golden"] > 60
    scales = [each.scale() for each in result.module.modules() if isinstance(each, IntegerLinear)]
    per_channel = getattr(step, "per_channel", False)
    assert [scale is not None for scale in scales] == [per_channel, per_channel, False]


def test_padding_behind_levels_that_move_is_refused_before_training(split):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
                          nn.Flatten(), nn.Linear(144, 10))
    with refused(SpecError, "recipe 'recipe': step 1 'abc-net': module '2': padding must be 0"
                            " behind AbcActivation(2), of whose levels, which training moves, none"
                            " stays to pad with, not (1, 1): take activations of one sign, or of"
                            " levels from 0"):
        compress(model, Recipe((METHODS["abc-net"](activation_bases=2),)), as_maps(split))


@pytest.mark.parametrize(("kind", "fields", "message"), [
    ("abc-net", {"activation_bases": 5}, "abc-net: activation_bases must be in 1..4, not 5"),
    ("lq-nets", {"activations": "odd"},
     "lq-nets: activations must be one of ['even', 'learned'], not 'odd'"),
    ("lq-nets", {"activations": "learned", "activation_bits": 5},
     "lq-nets: activation_bits must be in 1..4, not 5"),
])
def test_amounts_out_of_range_are_refused(kind, fields, message):
    with refused(SpecError, message):
        METHODS[kind](**fields)
