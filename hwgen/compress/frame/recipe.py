"""Recipes: named lists of steps with a seed and a budget, and their TOML files."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from hwgen.numeric import SpecError, as_int, did_you_mean

from ..methods import METHODS
from .marks import FINAL, FIXED, NARROWED
from .step import Context, Step, TrainingStep
from .toml import to_toml

__all__ = ["Budget", "Recipe"]

VERBS = ("quantise", "integerise")
"""Functions that steps call; their errors begin so, where the step's name stands already."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the result may cost.

    Parameters
    ----------
    bits : int, optional       that must be stored, at most
    error : float, optional    percent of the test samples, at most
    """

    bits: int | None = None
    error: float | None = None

    def __post_init__(self):
        if self.bits is not None and as_int(self.bits, "budget: bits") < 1:
            raise SpecError(f"budget: bits must be at least 1, not {self.bits}")
        if self.error is not None and (isinstance(self.error, bool)
                                       or not isinstance(self.error, int | float)):
            raise TypeError(f"budget: error must be a number, not {self.error!r}")
        if self.error is not None and not 0 <= self.error <= 100:
            raise SpecError(f"budget: error must be in 0..100 percent, not {self.error!r}")


@dataclass(frozen=True)
class Recipe:
    """What is done to a model, step by step; two runs of one recipe give the same integers.

    Parameters
    ----------
    steps : sequence of Step
    name : str                 of the network, and in messages
    seed : int                 of all that is random
    budget : Budget, optional  checked at the end

    Raises
    ------
    SpecError    If there is no step, or the name or the seed is none.
    TypeError    If something is no step.
    """

    steps: tuple[Step, ...]
    name: str = "recipe"
    seed: int = 0
    budget: Budget | None = None

    def __post_init__(self):
        object.__setattr__(self, "steps", tuple(self.steps))
        if not isinstance(self.name, str) or not self.name.isidentifier() \
                and not self.name.replace("-", "_").isidentifier():
            raise SpecError(f"recipe: name must be of letters, digits, '_' and '-', not"
                            f" {self.name!r}")
        if not 0 <= as_int(self.seed, f"{self.path}: seed") < 2 ** 31:
            raise SpecError(f"{self.path}: seed must be in 0..{2 ** 31 - 1}, not {self.seed}")
        if not self.steps:
            raise SpecError(f"{self.path}: must have at least one step, not none")
        for step in self.steps:
            if not isinstance(step, Step):
                raise TypeError(f"{self.path}: steps must be Steps such as Quantise(), not"
                                f" {step!r}")

    @property
    def path(self) -> str:
        """Names the recipe in messages."""
        return f"recipe '{self.name}'"

    def step_path(self, k: int) -> str:
        """Names step ``k`` (from 0) in messages."""
        return f"step {k + 1} '{self.steps[k].kind}'"

    def validate(self, context: Context) -> None:
        """Raise SpecError, naming the step, if the steps contradict each other or the model."""
        for k in range(len(self.steps)):
            self.validate_step(k, context)
        if not context.is_marked(FIXED):
            kinds = [step.kind for step in self.steps]
            raise SpecError(f"{self.path}: steps must hold one that makes all numbers integers,"
                            f" such as 'quantise', not {kinds} alone")

    def validate_step(self, k: int, context: Context) -> None:
        """The same of step ``k`` (from 0) alone, behind those before it."""
        step = self.steps[k]
        context.enter(self.step_path(k))
        try:
            if step.needs_sizes:
                context.refuse(NARROWED, "it must know them before: put it first")
            if isinstance(step, TrainingStep):
                context.refuse(FINAL, "it would change them: put it first, or leave it out")
            step.validate(context)
        except SpecError as error:
            said = _without(str(error), step.kind, *VERBS)
            raise SpecError(f"{self.path}: {self.step_path(k)}: {said}") from error

    def to_dict(self) -> dict:
        """As its TOML file holds it."""
        found = {"name": self.name, "seed": self.seed}
        if self.budget is not None:
            found["budget"] = {k: v for k, v in vars(self.budget).items() if v is not None}
        return found | {"step": [step.to_dict() for step in self.steps]}

    @classmethod
    def from_dict(cls, found: Mapping, where: str = "recipe") -> "Recipe":
        """The recipe that :meth:`to_dict` gave; errors begin with ``where``."""
        known = ("name", "seed", "budget", "step")
        for key in found:
            if key not in known:
                raise SpecError(f"{where}: keys must be of {', '.join(known)}, not {key!r}"
                                + did_you_mean(key, known))
        steps = found.get("step", [])
        if not isinstance(steps, list) or not all(isinstance(each, Mapping) for each in steps):
            raise SpecError(f"{where}: steps must be tables [[step]], not {steps!r}")
        made = [_built(f"{where}: step {k + 1}", each) for k, each in enumerate(steps)]
        options = {key: found[key] for key in ("name", "seed") if key in found}
        if "budget" in found:
            options["budget"] = _made(f"{where}: budget", Budget, found["budget"], "budget")
        try:
            return cls(tuple(made), **options)
        except (SpecError, TypeError) as error:
            said = _without(str(error), f"recipe '{options.get('name', cls.name)}'", "recipe")
            raise SpecError(f"{where}: {said}") from error

    def save(self, path) -> None:
        """Write the recipe as TOML."""
        Path(path).write_text(to_toml(self.to_dict()), encoding="utf-8")

    @classmethod
    def load(cls, path) -> "Recipe":
        """Read a recipe's TOML file.

        Raises
        ------
        SpecError    That names the file, the step, the field and what must hold.
        """
        path = Path(path)
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise SpecError(f"recipe '{path}' must be a file, and is not there") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SpecError(f"recipe '{path}' must be TOML: {error}") from error
        return cls.from_dict({"name": path.stem} | found, f"recipe '{path}'")


def _built(where: str, found: Mapping) -> Step:
    kind = found.get("kind")
    if kind not in tuple(METHODS):          # also of a list, which a dict cannot look up
        raise SpecError(f"{where}: kind must be one that there is, not {kind!r}"
                        f"{did_you_mean(kind, METHODS) or '.'} Kinds are {', '.join(METHODS)}")
    return _made(f"{where} '{kind}'", METHODS[kind],
                 {key: value for key, value in found.items() if key != "kind"}, kind)


def _without(said: str, *names: str) -> str:
    """An error without the name in front, where what stands before it names the same."""
    for name in names:
        said = said.removeprefix(f"{name}: ")
    return said


def _made(where: str, cls, found, name: str):
    """``cls(**found)``, with errors that say what fields there are; theirs begin with ``name``."""
    if not isinstance(found, Mapping):
        raise SpecError(f"{where}: must be a table, not {found!r}")
    names = [field.name for field in fields(cls)]
    for key in found:
        if key not in names:
            raise SpecError(f"{where}: fields must be of {', '.join(names)}, not {key!r}"
                            + did_you_mean(key, names))
    lacking = [field.name for field in fields(cls) if field.name not in found
               and field.default is MISSING and field.default_factory is MISSING]
    if lacking:
        raise SpecError(f"{where}: must give '{lacking[0]}', and does not")
    try:
        return cls(**found)
    except (SpecError, TypeError) as error:
        raise SpecError(f"{where}: {_without(str(error), name)}") from error
