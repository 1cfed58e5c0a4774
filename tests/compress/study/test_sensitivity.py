"""Each layer alone: against a float network in which that one was changed by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.interrupted import StoppedError
from cases.plain import Plain
from torch import nn

from hwgen.compress import METHODS, Recipe
from hwgen.compress.held import held_back, judged
from hwgen.compress.study.sensitivity import _rule, _Study, sensitivity
from hwgen.compress.study.start import started, steps_in_float
from hwgen.numeric import SpecError

TRAIN, QUANTISE = METHODS["train"], METHODS["quantise"]
RECIPE = Recipe((TRAIN(epochs=4, lr=1e-2), QUANTISE(rule="min_max")), name="plain")
FEW = {"weight_bits": (2, 4), "activation_bits": (1, 3), "densities": (0.1, 0.5), "held": 300}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return Plain()


@pytest.fixture(scope="module")
def found(model, split):
    return sensitivity(model, RECIPE, split, **FEW)


def test_held_back_samples_are_training_samples_of_all_classes(split):
    held = held_back(split, 300, seed=2)
    assert (len(held.x_train), len(held.x_test)) == (len(split.x_train) - 300, 300)
    both = np.concatenate([held.x_train, held.x_test])
    assert np.array_equal(np.unique(both, axis=0), np.unique(split.x_train, axis=0))
    shares = np.bincount(held.y_test) / 300, np.bincount(split.y_train) / len(split.y_train)
    assert np.abs(shares[0] - shares[1]).max() < 1 / 300
    assert len(held_back(split).x_test) == len(split.x_train) // 5
    with refused(SpecError, f"held must be in 1..{len(split.x_train) - 1}, not 5000"):
        held_back(split, 5000)


def test_only_steps_in_front_of_the_integers_are_carried_out(model, split):
    assert steps_in_float(model, RECIPE, split) == 1
    whole = nn.Sequential(nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 10))
    assert steps_in_float(whole, Recipe((METHODS["twn"](),)), split) == 0


@pytest.mark.parametrize("kind", ["quantise", "ristretto"])
def test_steps_are_chosen_as_the_recipe_says(kind):
    steps = METHODS["hold-back"](), METHODS[kind](rule="percentile")
    assert _rule(Recipe(steps)) == "percentile"
    assert _rule(Recipe((METHODS["twn"](),))) == QUANTISE().rule


def by_hand(model, split, change):
    """The error of the trained float network with ``change`` made to it, percent."""
    held = held_back(split, 300)
    run = started(model, RECIPE, held, 1)
    with torch.no_grad():
        change(run.model, torch.tensor(run.samples()).float())
    return judged(run.model, held.x_test, held.y_test)[0]


def rounded(model, x):
    frac = math.floor(math.log2(7.5 / float(model.fc2.weight.abs().max())))
    model.fc2.weight.copy_((model.fc2.weight * 2.0**frac).round().clamp(-7, 7) * 2.0**-frac)


def pruned(model, x):
    magnitudes = model.fc2.weight.abs()
    model.fc2.weight.mul_(magnitudes >= magnitudes.flatten().sort().values[-round(576 * 0.1)])


def coarse(model, x):
    seen = []
    handle = model.relu_1.register_forward_hook(lambda _, __, y: seen.append(float(y.max())))
    model(x)
    handle.remove()
    step = 2.0 ** -math.floor(math.log2(7.5 / seen[0]))
    model.relu_1.register_forward_hook(
        lambda _, __, y: (y / step + 0.5).floor().clamp(0, 7) * step)


@pytest.mark.parametrize(("at", "change"), [
    (("fc2", "weights", 4), rounded), (("fc2", "density", 0.1), pruned),
    (("relu_1", "activations", 3), coarse)])
def test_a_point_is_one_layer_changed_and_no_other(model, split, found, at, change):
    point = next(each for each in found.points if (each.layer, each.what, each.value) == at)
    assert point.error != found.error
    assert point.error == pytest.approx(by_hand(model, split, change), abs=0.4)


def test_all_layers_and_values_are_there(found):
    assert {what: {layer: [point.value for point in points]
                   for layer, points in found.of(what).items()}
            for what in ("weights", "activations", "density")} == {
        "weights": dict.fromkeys(("fc1", "fc2", "fc3"), [2, 4]),
        "activations": dict.fromkeys(("relu", "relu_1"), [1, 3]),
        "density": dict.fromkeys(("fc1", "fc2", "fc3"), [0.1, 0.5])}
    assert found.error == pytest.approx(found.float_error, abs=0.4)


def test_the_test_part_is_not_looked_at(model, split, found):
    other = replace(split, x_test=split.x_test[:7] * 0, y_test=split.y_test[:7] * 0)
    assert sensitivity(model, RECIPE, other, **FEW) == found


def test_what_is_done_is_not_done_again(model, split, found, tmp_path, monkeypatch):
    def stop(point, done, of):
        if done == 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        sensitivity(model, RECIPE, split, **FEW, folder=tmp_path, tell=stop)
    measured, measure = [], _Study.measure

    def counted(self, *at):
        measured.append(at)
        return measure(self, *at)

    monkeypatch.setattr(_Study, "measure", counted)
    assert sensitivity(model, RECIPE, split, **FEW, folder=tmp_path) == found
    assert len(measured) == len(found.points) - 4
    other = replace(RECIPE, steps=(RECIPE.steps[0], QUANTISE()))
    sensitivity(model, other, split, **FEW, folder=tmp_path)
    assert len(measured) == 2 * len(found.points) - 4


@pytest.mark.parametrize(("wrong", "reason"), [
    ({"weight_bits": (1,)}, "weight_bits must be in 2..16, not 1"),
    ({"densities": (0,)}, "densities must be above 0 and at most 1, not 0")])
def test_what_is_no_width_and_no_density(model, split, wrong, reason):
    with refused(SpecError, reason):
        sensitivity(model, RECIPE, split, **wrong)
