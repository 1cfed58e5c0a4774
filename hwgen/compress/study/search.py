"""Widths and densities of each layer, searched under a budget, with Optuna.

A trial is the recipe with one choice, carried out without the held-back training samples and
measured on them. Trials are in an SQLite file: a search goes on from them, and several processes
may work on one.
"""

import json
import math
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from hwgen.numeric import SpecError

from ..export import export
from ..frame.recipe import Budget, Recipe
from ..frame.result import BudgetError, counted
from ..frozen import in_double
from ..held import held_back, judged
from ..layer import within
from .space import Ranges, Space, space_of
from .start import again, fingerprint, started

__all__ = ["Found", "Limits", "Trial", "search"]

BEYOND = 100.0
"""What Optuna is told of a trial that meets no budget: this, and by how many percent it is beyond.
So it is worse than every error."""

MOST_BEYOND = 1e6

WAIT_S = 60
"""How long a process waits for another that writes."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The budget of a search; at least one of the two.

    Parameters
    ----------
    bits : int, optional       that must be stored, by the exact account
    cost : int, optional       of what ``cost_of`` gives
    cost_of : callable of Network, optional
        Such as the planner's estimate of LUTs; raises SpecError where there is no hardware.
    unit : str                 names the cost; of another unit, a search does not go on
    """

    bits: int | None = None
    cost: int | None = None
    cost_of: Callable | None = None
    unit: str = "LUTs"

    def __post_init__(self):
        for what in ("bits", "cost"):
            if getattr(self, what) is not None:
                within(f"budget: {what}", getattr(self, what), 1)
        if self.bits is None and self.cost is None:
            raise SpecError(f"budget: must be given, of bits or of {self.unit} or of both")
        if self.cost is not None and self.cost_of is None:
            raise SpecError("budget: cost_of must be given beside cost")

    def excess(self, bits: int, cost: float | None) -> float:
        """By which share the budget is exceeded; 0 within it."""
        shares = [found / limit - 1 for found, limit in ((bits, self.bits), (cost, self.cost))
                  if limit is not None]
        return max(0.0, *shares)

    def __str__(self):
        return " and ".join(f"at most {limit:,} {unit}" for limit, unit in
                            ((self.bits, "bits"), (self.cost, self.unit)) if limit is not None)


@dataclass(frozen=True)
class Trial:
    """One choice and what came of it.

    Members
    -------
    choice : dict            ``{"3 weight_bits fc1": 4}``: step, field and layer
    error : float            percent of the held-back samples, of the exact integers
    bits : int               that must be stored
    cost : float or None     infinite where there is no hardware
    """

    choice: dict
    error: float
    bits: int
    cost: float | None


@dataclass(frozen=True)
class Found:
    """What :func:`search` finds.

    Members
    -------
    recipe : Recipe          of the best choice, with the epochs and the budget of the template, but
                             for its bits: those of the search, none if they are not met; its name
                             ends in ``-found``, or in ``-unmet`` beyond the budget
    best : Trial
    trials : tuple of Trial  all that were measured, in order
    even : Trial or None     the best within the budget of those with one width for all weights
    held : int               training samples that were held back
    limits : Limits
    """

    recipe: Recipe
    best: Trial
    trials: tuple[Trial, ...]
    even: Trial | None
    held: int
    limits: Limits

    @property
    def is_met(self) -> bool:
        """Whether the best is within the budget."""
        return not self.limits.excess(self.best.bits, self.best.cost)

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return {"recipe": self.recipe.to_dict(), "is_met": self.is_met, "held": self.held,
                "budget": {"bits": self.limits.bits, self.limits.unit: self.limits.cost},
                "best": _plain(self.best), "even": self.even and _plain(self.even),
                "trials": [_plain(each) for each in self.trials]}

    def save(self, folder) -> Path:
        """Write ``NAME.toml``, for ``hwgen compress``, and ``NAME.json``; path of the first."""
        path = Path(folder) / f"{self.recipe.name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.recipe.save(path)
        path.with_suffix(".json").write_text(json.dumps(self.to_dict(), indent=1) + "\n",
                                             encoding="utf-8")
        return path


def search(model, recipe, data, limits: Limits, *, ranges: Ranges | None = None, trials: int = 50,
           epochs: int = 0, held: int | None = None, folder=None, progress=None, tell=None,
           ready=None, device: str | None = None, fresh: bool = False) -> Found:
    """The choice of the least error on held-back training samples within a budget.

    ``recipe`` is the template: widths of its ``quantise`` and densities of its pruning steps are
    what is searched; what stands before these is done once. The first trials give all weights one
    width. The sampler is Optuna's TPE, seeded by the recipe's seed and by how many trials are done,
    so one process finds the same again, also where it was stopped by an exception.

    Parameters
    ----------
    model, recipe, data, progress, device, fresh
        As of :func:`hwgen.compress.compress`; the test part of ``data`` is not looked at.
    limits : Limits
    ranges : Ranges, optional
    trials : int            that are done in all, also by other processes and earlier on
    epochs : int            of training in a trial, at most, for each step
    held : int, optional    training samples to hold back; a fifth unless given, at most 5,000
    folder : path, optional
        For ``NAME-search.db`` and checkpoints; without it the search is in memory alone.
    tell : callable(Trial, done, of), optional
        After each trial.
    ready : callable, optional
        Called once others can join: the file is there, what stands before the trials is trained.

    Raises
    ------
    SpecError      As :func:`hwgen.compress.compress`, and if the recipe has no ``quantise``.
    BudgetError    If no trial is within the budget: says the best, and holds what was found.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    within("trials", trials, 1)
    within("epochs", epochs, 0)
    split = held_back(data, held, seed=recipe.seed)
    space = space_of(model, recipe, split, ranges or Ranges())
    space.chosen(space.even()[0], epochs=epochs)    # refused here, if a step must train
    folder = None if folder is None else Path(folder)
    run = started(model, recipe, split, space.first, progress=progress, device=device, fresh=fresh,
                  folder=folder and folder / f"held-{len(split.x_test)}")
    seeker = _Seeker(run, space, limits, epochs, folder and folder / f"{recipe.name}-search.db")
    if ready is not None:
        ready()
    while len(done := seeker.done()) < trials:
        trial = seeker.step(done)
        if tell is not None:
            tell(trial, len(done) + 1, trials)
    return _result(space, limits, seeker.done(), len(split.x_test))


def _result(space: Space, limits: Limits, done, held) -> Found:
    def key(trial):
        return limits.excess(trial.bits, trial.cost), trial.error, trial.bits, trial.cost or 0

    even = [each for each in done if each.choice in space.even() and not key(each)[0]]
    best = min(done, key=key)
    end = "unmet" if key(best)[0] else "found"
    recipe = space.chosen(best.choice, name=f"{space.recipe.name}-{end}",
                          budget=_budget(space.recipe.budget, limits, best))
    found = Found(recipe, best, tuple(done), min(even, key=key, default=None), held, limits)
    if not found.is_met:
        cost = "" if best.cost is None else f", {best.cost:,.0f} {limits.unit}" if (
            math.isfinite(best.cost)) else ", no hardware"
        raise BudgetError(f"{space.recipe.path}: budget must be met, {limits}; the best found of"
                          f" {len(done)} trials has {best.bits:,} bits{cost} and an error of"
                          f" {best.error:g} % of the held-back samples", found)
    return found


def _budget(template: Budget | None, limits: Limits, best: Trial) -> Budget | None:
    """The template's, with the bits of the search; without any if these are not met."""
    found = template or Budget()
    if limits.bits is not None:
        found = replace(found, bits=limits.bits if best.bits <= limits.bits else None)
    return None if found == Budget() else found


def _plain(trial: Trial) -> dict:
    """JSON has no infinity."""
    return asdict(trial) | {"cost": None if trial.cost in (None, math.inf) else trial.cost}


def _optuna():
    try:
        import optuna
    except ImportError as error:
        raise SpecError("search: the package 'optuna' must be there, and is not: pip install"
                        " '.[search]'") from error
    return optuna


class _Seeker:
    """The trials of one study, in its file."""

    def __init__(self, run, space, limits, epochs, path):
        optuna = _optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna, self.run, self.space, self.limits = optuna, run, space, limits
        self.epochs, storage = epochs, None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            storage = optuna.storages.RDBStorage(
                f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": WAIT_S}})
        self.study = optuna.create_study(study_name=self.name(), storage=storage,
                                         load_if_exists=True)

    def name(self) -> str:
        """Of the recipe, and of all that must agree where a search goes on."""
        limits = self.limits.bits, self.limits.cost, self.limits.unit
        digits = fingerprint(self.run, self.space.recipe.to_dict(), self.space.ranges, limits,
                             self.epochs)
        return f"{self.space.recipe.name} {digits[:16]}"

    def _trials(self, *states):
        return self.study.get_trials(deepcopy=False, states=states)

    def done(self) -> list[Trial]:
        """Those that were measured."""
        return [Trial(**each.user_attrs["trial"]) for each in
                self._trials(self.optuna.trial.TrialState.COMPLETE)]

    def step(self, done) -> Trial:
        """Ask for a choice, measure it, and tell."""
        state = self.optuna.trial.TrialState
        running = self._trials(state.RUNNING)
        even = self.space.even()
        known = [each.choice for each in done]
        waiting = [each for each in even if each not in known
                   and each not in [other.params for other in running]]
        if waiting and len(done) < len(even):
            self.study.enqueue_trial(waiting[0])
        text = f"{self.run.seed} {len(done)} {len(running)}"
        self.study.sampler = self.optuna.samplers.TPESampler(seed=zlib.crc32(text.encode()))
        asked = self.study.ask()
        try:
            choice = self.space.asked(asked)
            trial = next((each for each in done if each.choice == choice), None)
            trial = self.measure(choice) if trial is None else trial
        except BaseException:
            self.study.tell(asked, state=state.FAIL)
            raise
        asked.set_user_attr("trial", asdict(trial))
        self.study.tell(asked, self._value(trial))
        return trial

    def _value(self, trial: Trial) -> float:
        excess = self.limits.excess(trial.bits, trial.cost)
        return trial.error if not excess else BEYOND + min(MOST_BEYOND, 100 * excess)

    def measure(self, choice) -> Trial:
        """Carry out a choice from where the template's first steps left the model."""
        recipe = self.space.chosen(choice, epochs=self.epochs)
        run = again(self.run, recipe)
        for k in range(self.space.first, len(recipe.steps)):
            run.enter(k)
            recipe.steps[k].apply(run)
        split = run.split
        network = export(run.model.eval(), split.x_test[:1], name=recipe.name)
        error, _ = judged(in_double(run.model), split.x_test, split.y_test, dtype=torch.float64)
        return Trial(choice, error, counted(run, network).bits, self._cost(network))

    def _cost(self, network) -> float | None:
        if self.limits.cost is None:
            return None
        try:
            return float(self.limits.cost_of(network))
        except SpecError:
            return math.inf
