"""A step of a recipe, and what is known of the model before the recipe runs."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from hwgen.numeric import SpecError, did_you_mean

from ..layer import within
from ..settings import MOST_RATE, Settings
from .marks import words_of

__all__ = ["OTHERS", "Context", "Step", "TrainingStep", "named", "per_layer"]

OTHERS = "*"
"""In a mapping of layers: all that it does not name."""

LOOK = 8
"""Samples on which a recipe is tried before it is trained."""


class Context:
    """What a recipe may rely on, followed step by step before anything is trained.

    Members
    -------
    model : torch.nn.Module                    as prepared, before any step
    layers : dict of str to torch.nn.Module    its matrix layers, in order
    norms : frozenset of str                   those with a batch norm right behind
    split : Split                              the data
    """

    def __init__(self, model, layers: Mapping, norms, split):
        self.model = model
        self.layers, self.norms, self.split = dict(layers), frozenset(norms), split
        self._marks: dict[str, str] = {}
        self._now = ""

    @property
    def samples(self):
        """A few training samples, integers as the model takes them: to try on what a step does."""
        return self.split.x_train[:LOOK]

    def enter(self, path: str) -> None:
        """Go on to the step called ``path`` in messages."""
        self._now = path

    def mark(self, *marks: str) -> None:
        """Note what holds of the model behind the present step, such as ``"pruned"``.

        See :data:`hwgen.compress.frame.marks.MARKS`.
        """
        self._marks |= dict.fromkeys(marks, self._now)

    def is_marked(self, mark: str) -> bool:
        """Whether an earlier step has noted ``mark``."""
        return mark in self._marks

    def need(self, mark: str, reason: str) -> None:
        """Raise SpecError, ``reason`` given, unless an earlier step has noted ``mark``."""
        if mark not in self._marks:
            what, example = words_of(mark)
            raise SpecError(f"must come after a step that {what}{example}: {reason}")

    def refuse(self, mark: str, reason: str) -> None:
        """Raise SpecError, naming both steps, if an earlier one has noted ``mark``."""
        if mark in self._marks:
            raise SpecError(f"must not come after {self._marks[mark]}, which {words_of(mark)[0]}:"
                            f" {reason}")

    def per_layer(self, what: str, value) -> dict:
        """``{layer: value}`` of one value, or of a mapping of layers that may have ``"*"``.

        Layers that a mapping without ``"*"`` does not name are left out.
        """
        return per_layer(what, value, self.layers)


def per_layer(what: str, value, layers) -> dict:
    """As :meth:`Context.per_layer`, of the names ``layers``."""
    if not isinstance(value, Mapping):
        return dict.fromkeys(layers, value)
    unknown = [name for name in value if name != OTHERS and name not in layers]
    if unknown:
        raise SpecError(f"{what} must name layers of {list(layers)}, or '{OTHERS}' for all others,"
                        f" not {unknown[0]!r}" + did_you_mean(unknown[0], layers))
    return {name: value.get(name, value.get(OTHERS)) for name in layers
            if name in value or OTHERS in value}


def named(names, layers) -> list[str]:
    """Those of ``layers``, in their order, that a step's field ``layers`` names; all with None."""
    return list(per_layer("layers", True if names is None else dict.fromkeys(names, True), layers))


def _plain(value, sequence):
    """``value`` with each list or tuple in it a ``sequence``, each mapping a dict of its own."""
    if isinstance(value, Mapping):
        return {key: _plain(each, sequence) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return sequence(_plain(each, sequence) for each in value)
    return value


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """One step of a recipe: a frozen dataclass that TOML can hold.

    Its fields are ints, floats, bools, texts, lists of these, or mappings of layer names to them;
    once checked, lists are tuples and mappings dicts, so that equal steps are equal.

    Members
    -------
    kind : str      its name in a recipe's file
    text : str      what it does, one line for the table of methods
    source : str    the publication
    changes_model : bool    whether the model, or how it is trained, is another one behind it
    needs_sizes : bool      whether it must know sizes of layers before anything is trained, so that
                            it must not come after a step that finds them in training
    """

    kind: ClassVar[str]
    text: ClassVar[str]
    source: ClassVar[str] = ""
    changes_model: ClassVar[bool] = True
    needs_sizes: ClassVar[bool] = False

    def __post_init__(self):
        self._require_forms()
        self.check()
        for field in fields(self):      # a step is the same, however its lists were given
            object.__setattr__(self, field.name, _plain(getattr(self, field.name), tuple))

    def check(self) -> None:
        """Raise SpecError or TypeError for fields that no model could do with."""
        return

    def validate(self, context: Context) -> None:
        """Raise SpecError where the model or an earlier step does not go with this one.

        And :meth:`Context.mark` what holds behind it. Called before anything is trained.
        """
        return

    @abstractmethod
    def apply(self, run) -> None:
        """Do it to ``run.model``; see :class:`hwgen.compress.frame.run.Run`."""

    def to_dict(self) -> dict:
        """Fields that are not None, ``kind`` first, in lists and dicts, as TOML gives them back."""
        found = {field.name: _plain(getattr(self, field.name), list) for field in fields(self)}
        return {"kind": self.kind} | {k: v for k, v in found.items() if v is not None}

    def require_int(self, name: str, low: int, high: int | None = None) -> None:
        """Of field ``name``, or each value of it where it is a mapping or a sequence."""
        for what, value in self._values(name):
            within(what, value, low, high)

    def require_real(self, name: str, low: float, high: float = math.inf, *,
                     above: bool = False) -> None:
        """The same of numbers; ``above`` where ``low`` itself is none of them."""
        for what, value in self._values(name):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"{what} must be a number, not {value!r}")
            if not (low < value if above else low <= value) or not value <= high:
                raise SpecError(f"{what} must be {'above' if above else 'at least'} {low:g}"
                                + ("" if high == math.inf else f" and at most {high:g}")
                                + f", not {value!r}")

    def require_choice(self, name: str, choices) -> None:
        """Of field ``name``, or of all values that it holds: one of ``choices``."""
        for what, value in self._values(name):
            if value not in choices:
                raise SpecError(f"{what} must be one of {list(choices)}, not {value!r}"
                                + did_you_mean(value, choices))

    def require_names(self, name: str) -> None:
        """Of field ``name``: a list of texts, at least one."""
        value = getattr(self, name)
        if not (isinstance(value, list | tuple) and value
                and all(isinstance(each, str) for each in value)):
            raise SpecError(f"{self.kind}: {name} must be a list of names, not {value!r}")

    def require_bool(self, name: str) -> None:
        """Of field ``name``: True or False."""
        if not isinstance(getattr(self, name), bool):
            raise TypeError(f"{self.kind}: {name} must be true or false, not"
                            f" {getattr(self, name)!r}")

    def _require_forms(self) -> None:
        """A table of layers, or a list, only where the field's annotation has one."""
        for field in fields(self):
            value, known = getattr(self, field.name), str(field.type)
            for kind, words, names in ((Mapping, "table of layers", ("Mapping",)),
                                       (list | tuple, "list", ("Sequence", "list", "tuple"))):
                if isinstance(value, kind) and not any(name in known for name in names):
                    raise TypeError(f"{self.kind}: {field.name} must be one value, not a {words},"
                                    f" {value!r}")

    def _values(self, name):
        value = getattr(self, name)
        what = f"{self.kind}: {name}"
        if isinstance(value, Mapping):
            if not value:
                raise SpecError(f"{what} must name at least one layer, not {{}}")
            return [(f"{what} of '{key}'", each) for key, each in value.items()]
        if isinstance(value, tuple | list):
            return [(f"{what}[{k}]", each) for k, each in enumerate(value)]
        return [(what, value)]


@dataclass(frozen=True, kw_only=True)
class TrainingStep(Step):
    """A step that trains.

    Parameters
    ----------
    epochs : int          0 leaves the weights as the step makes them
    lr, lr_end : float    Adam's rate, falling along half a cosine; at most ``MOST_RATE``
    batch : int
    weight_decay : float  at most ``MOST_RATE``
    shift : float         share of the images moved by one pixel; square images alone
    """

    epochs: int = 0
    lr: float = 1e-3
    lr_end: float = 0.0
    batch: int = 100
    weight_decay: float = 0.0
    shift: float = 0.0

    def __post_init__(self):
        self.require_int("epochs", 0)
        self.require_int("batch", 2)
        self.require_real("lr", 0, MOST_RATE, above=True)
        for name in ("lr_end", "weight_decay"):
            self.require_real(name, 0, MOST_RATE)
        self.require_real("shift", 0, 1)
        super().__post_init__()

    def settings(self, seed: int, epochs: int | None = None, **changes) -> Settings:
        """Settings of a training of ``epochs``, the step's own unless given."""
        own = {name: getattr(self, name) for name in ("lr", "lr_end", "batch", "weight_decay",
                                                      "shift")}
        return Settings(epochs=self.epochs if epochs is None else epochs, seed=seed,
                        **{**own, **changes})
