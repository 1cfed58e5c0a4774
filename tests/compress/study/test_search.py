"""A search finds what trying everything would, says when nothing fits, and goes on."""

import itertools
import math
import sys
from dataclasses import replace

import pytest
import torch
from cases.errors import refused
from cases.interrupted import StoppedError
from torch import nn

from hwgen.compress import METHODS, Budget, BudgetError, Recipe, compress
from hwgen.compress.held import held_back
from hwgen.compress.study.search import Limits, _Seeker, search
from hwgen.compress.study.space import Ranges, space_of
from hwgen.numeric import SpecError

TRAIN, PRUNE, QUANTISE, CODE = (METHODS[kind] for kind in ("train", "prune", "quantise", "code"))
RECIPE = Recipe((TRAIN(epochs=4, lr=1e-2), QUANTISE(epochs=2, rule="min_max")), name="small")
RANGES = Ranges(weight_bits=(2, 5), activation_bits=(4, 4))
LIMITS = Limits(bits=3_000)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(64, 10), nn.ReLU(), nn.Linear(10, 10))


@pytest.fixture(scope="module")
def found(model, split):
    return search(model, RECIPE, split, LIMITS, ranges=RANGES, trials=10, held=300)


def every(model, split):
    """``(error, bits)`` of each choice there is, by the verb itself on the held-back samples."""
    held, results = held_back(split, 300), {}
    for choice in itertools.product(range(2, 6), repeat=2):
        steps = RECIPE.steps[0], QUANTISE(weight_bits={"0": choice[0], "2": choice[1]},
                                          activation_bits=4, rule="min_max")
        result = compress(model, replace(RECIPE, steps=steps), held)
        results[choice] = result.error, result.account.bits
    return results


def test_trials_are_what_the_recipe_gives_and_the_best_is_the_best_there_is(model, split, found):
    results = every(model, split)
    for trial in found.trials:
        choice = trial.choice["2 weight_bits 0"], trial.choice["2 weight_bits 2"]
        assert (trial.error, trial.bits) == results[choice]
    best = min((error, bits) for error, bits in results.values() if bits <= 3_000)
    assert found.best.error <= found.even.error
    assert found.best.error - best[0] < 1.0
    assert found.best.bits <= 3_000 < max(trial.bits for trial in found.trials)


def test_what_is_found_is_a_recipe(model, split, found, tmp_path):
    path = found.save(tmp_path)
    recipe = Recipe.load(path)
    assert (recipe, recipe.name, recipe.budget.bits) == (found.recipe, "small-found", 3_000)
    assert recipe.steps[1].epochs == 2
    assert recipe.steps[1].weight_bits == {
        layer: found.best.choice[f"2 weight_bits {layer}"] for layer in ("0", "2")}
    assert compress(model, recipe, split).account.bits <= 3_000


def test_the_first_trials_have_one_width(found):
    assert [set(trial.choice.values()) - {4} for trial in found.trials[:4]] == [
        {5}, set(), {3}, {2}]


def test_a_search_that_was_stopped_goes_on_to_the_same(model, split, found, tmp_path, monkeypatch):
    measured, measure = [], _Seeker.measure

    def counted(self, choice):
        measured.append(choice)
        return measure(self, choice)

    def stop(trial, done, of):
        if done == 6:
            raise StoppedError

    monkeypatch.setattr(_Seeker, "measure", counted)
    options = {"ranges": RANGES, "held": 300, "folder": tmp_path, "trials": 10}
    with pytest.raises(StoppedError):
        search(model, RECIPE, split, LIMITS, tell=stop, **options)
    assert search(model, RECIPE, split, LIMITS, **options) == found
    assert len(measured) == len({str(trial.choice) for trial in found.trials})
    options["trials"] = 3
    assert search(model, RECIPE, split, LIMITS, **options) == found     # done already
    tighter = search(model, RECIPE, split, Limits(bits=2_500), **options)
    assert len(tighter.trials) == 3     # another budget is another search


def test_two_may_work_on_one(model, split, tmp_path):
    """The other one takes part as soon as it may, and the first goes on with what it found."""
    options = {"ranges": RANGES, "held": 300, "folder": tmp_path}
    both = search(model, RECIPE, split, LIMITS, trials=6, **options,
                  ready=lambda: search(model, RECIPE, split, LIMITS, trials=4, **options))
    assert [trial.choice["2 weight_bits 0"] for trial in both.trials[:4]] == [5, 4, 3, 2]
    assert len(both.trials) == 6


def test_densities_of_the_steps_that_prune_and_storage_behind(model, split):
    recipe = Recipe((TRAIN(epochs=2, lr=1e-2), PRUNE(density={"0": 0.3}, epochs=9),
                     QUANTISE(epochs=9), CODE()), name="all")
    ranges = Ranges(activation_bits=(3, 8), density=(0.1, 0.5))
    space = space_of(model, recipe, split, ranges)
    assert [key for key, _, _ in space.places()] == [
        "2 density 0", "3 weight_bits 0", "3 weight_bits 2", "3 activation_bits 1"]
    assert (space.first, space.even()[6]) == (1, {
        "2 density 0": 0.3, "3 weight_bits 0": 2, "3 weight_bits 2": 2, "3 activation_bits 1": 8})
    assert [tuple(each.values())[:2] for each in space.even()[7:]] == [
        (density, bits) for density in (0.15, 0.1, 0.1) for bits in (8, 6, 4, 2)]
    chosen = space.chosen(space.even()[0], epochs=1)
    assert [getattr(step, "epochs", None) for step in chosen.steps] == [2, 1, 1, None]
    found = search(model, recipe, split, Limits(bits=2_000), ranges=ranges, trials=10, held=200)
    assert found.best.bits <= 2_000
    assert 0.1 <= found.recipe.steps[1].density["0"] <= 0.5


def test_a_budget_that_cannot_be_met_gives_the_best(model, split):
    with pytest.raises(BudgetError) as caught:
        search(model, RECIPE, split, Limits(bits=10), ranges=RANGES, trials=5, held=300)
    best = caught.value.result.best
    assert set(best.choice.values()) == {2, 4}
    assert str(caught.value) == (
        f"recipe 'small': budget must be met, at most 10 bits; the best found of 5 trials has"
        f" {best.bits:,} bits and an error of {best.error:g} % of the held-back samples")


def test_its_recipe_can_be_carried_out_all_the_same(model, split, tmp_path):
    """Without the bits that it is beyond; what else the template asks for stays."""
    recipe = replace(RECIPE, budget=Budget(error=90.0, bits=8_000))
    options = {"ranges": RANGES, "trials": 4, "held": 300}
    with pytest.raises(BudgetError) as caught:
        search(model, recipe, split, Limits(bits=10), **options)
    written = Recipe.load(caught.value.result.save(tmp_path))
    assert written == caught.value.result.recipe
    assert written.budget == Budget(error=90.0)
    assert compress(model, written, split).account.bits > 10
    with pytest.raises(BudgetError) as caught:
        search(model, RECIPE, split, Limits(bits=10), **options)
    assert "budget" not in caught.value.result.recipe.to_dict()


@pytest.mark.parametrize(("bits", "wanted"), [
    (None, Budget(error=90.0, bits=8_000)), (3_000, Budget(error=90.0, bits=3_000))])
def test_the_budget_of_the_template_stays_but_for_the_bits_of_the_search(model, split, bits,
                                                                         wanted):
    limits = Limits(bits=bits, cost=10, cost_of=lambda network: 9)
    found = search(model, replace(RECIPE, budget=Budget(error=90.0, bits=8_000)), split, limits,
                   ranges=RANGES, trials=4, held=300)
    assert found.recipe.budget == wanted


def test_a_cost_is_that_of_the_network(model, split):
    def cost(network):
        bits = network.node("layer0").weights.format.bits
        if bits == 5:
            raise SpecError("does not fit")
        return 100 * bits

    limits = Limits(cost=300, cost_of=cost)
    found = search(model, RECIPE, split, limits, ranges=RANGES, trials=6, held=300)
    assert found.best.cost <= 300
    assert {trial.choice["2 weight_bits 0"]: trial.cost for trial in found.trials}.items() >= {
        5: math.inf, 4: 400, 3: 300, 2: 200}.items()
    assert str(limits) == "at most 300 LUTs"


def test_the_test_part_is_not_looked_at(model, split, found):
    other = replace(split, x_test=split.x_test[:7] * 0, y_test=split.y_test[:7] * 0)
    again = search(model, RECIPE, other, LIMITS, ranges=RANGES, trials=4, held=300)
    assert again.trials == found.trials[:4]


@pytest.mark.parametrize(("make", "reason"), [
    (Limits, "budget: must be given, of bits or of LUTs or of both"),
    (lambda: Limits(bits=0), "budget: bits must be at least 1, not 0"),
    (lambda: Limits(cost=3), "budget: cost_of must be given beside cost"),
    (lambda: Ranges(weight_bits=(1, 3)), "weight_bits: least must be in 2..16, not 1"),
    (lambda: Ranges(weight_bits=(4, 3)), "weight_bits: most must be in 4..16, not 3"),
    (lambda: Ranges(density=(0.0, 1.0)), "density must be two numbers, 0 < least <= most <= 1, not"
                                         " 0.0 and 1.0")])
def test_budgets_and_ranges_that_are_none(make, reason):
    with refused(SpecError, reason):
        make()


def test_what_cannot_be_searched(model, split, monkeypatch):
    recipe = Recipe((METHODS["twn"](),), name="t")
    with refused(SpecError, "recipe 't': must have a step 'quantise', whose bits are searched, not"
                            " ['twn'] alone"):
        search(model, recipe, split, LIMITS)
    with refused(SpecError, "quantise: epochs must be at least 1, not 0"):
        search(model, Recipe((QUANTISE(steps="lsq", epochs=3),)), split, LIMITS)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with refused(SpecError, "search: the package 'optuna' must be there, and is not: pip install"
                            " '.[search]'"):
        search(model, Recipe((QUANTISE(),)), split, LIMITS)
