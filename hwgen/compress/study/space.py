"""What a search may choose: widths and densities of the layers of a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hwgen.numeric import SpecError

from ..fixed import MAX_BITS
from ..frame.prepare import activations, context_of, prepared
from ..frame.recipe import Budget, Recipe
from ..frame.step import OTHERS, TrainingStep
from ..layer import within
from ..methods.mask import PruningTo
from ..methods.quantise import Quantise

__all__ = ["Ranges", "Space", "space_of"]

DIGITS = 4
"""Of a density."""

SHARES = (1, 1 / 2, 1 / 4, 1 / 8)
"""Of the recipe's densities, with which a search begins."""


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Least and most of what is chosen.

    Parameters
    ----------
    weight_bits, activation_bits : (int, int)
    density : (float, float)       searched by its logarithm
    """

    weight_bits: tuple[int, int] = (2, 8)
    activation_bits: tuple[int, int] = (2, 8)
    density: tuple[float, float] = (0.02, 1.0)

    def __post_init__(self):
        for name, least in (("weight_bits", 2), ("activation_bits", 1)):
            low, high = getattr(self, name)
            within(f"{name}: least", low, least, MAX_BITS)
            within(f"{name}: most", high, low, MAX_BITS)
        low, high = self.density
        if not 0 < low <= high <= 1:
            raise SpecError(f"density must be two numbers, 0 < least <= most <= 1, not {low!r} and"
                            f" {high!r}")


@dataclass(frozen=True)
class Space:
    """A recipe whose ``quantise`` and pruning steps leave widths and densities open.

    Members
    -------
    recipe : Recipe      the others of its steps and fields stay as they are
    ranges : Ranges
    names : dict         ``{(number of a step, field): names of layers}`` of what is open
    """

    recipe: Recipe
    ranges: Ranges
    names: Mapping

    @property
    def first(self) -> int:
        """Number of the first step that is open; those before are the same for every choice."""
        return min(k for k, _ in self.names)

    def places(self):
        """Yield ``(key, what, range)`` of each number that is open."""
        for (k, what), layers in self.names.items():
            for layer in layers:
                yield f"{k + 1} {what} {layer}", what, getattr(self.ranges, what)

    def asked(self, trial) -> dict:
        """A choice, as a trial of Optuna suggests it: ``{key: number}``."""
        return {key: trial.suggest_int(key, *ends) if what != "density" else
                round(trial.suggest_float(key, *ends, log=True), DIGITS)
                for key, what, ends in self.places()}

    def even(self) -> list[dict]:
        """The choices in which all weights have one width, from the widest on.

        Activations have the most bits. Densities are those of the recipe, and then, with every
        other width, shares of these.
        """
        low, high = self.ranges.weight_bits
        is_pruned = any(what == "density" for _, what, _ in self.places())
        return [{key: bits if what == "weight_bits" else ends[1] if what != "density" else
                 self._density(key, share) for key, what, ends in self.places()}
                for share in (SHARES if is_pruned else SHARES[:1])
                for bits in range(high, low - 1, -1 if share == 1 else -2)]

    def _density(self, key, share: float) -> float:
        """A share of that of the recipe, within the range."""
        k, _, layer = key.split(" ", 2)
        given = self.recipe.steps[int(k) - 1].density
        given = given.get(layer, given.get(OTHERS)) if isinstance(given, Mapping) else given
        low, high = self.ranges.density
        return round(min(max(share * given, low), high), DIGITS)

    def chosen(self, choice: Mapping, *, epochs: int | None = None, name: str | None = None,
               budget: Budget | None = None) -> Recipe:
        """The recipe of a choice; its open steps and those behind train ``epochs`` at most."""
        steps = list(self.recipe.steps)
        for k, step in enumerate(steps):
            found = {what: {layer: choice[f"{k + 1} {what} {layer}"] for layer in layers}
                     for (at, what), layers in self.names.items() if at == k and layers}
            if epochs is not None and k >= self.first and isinstance(step, TrainingStep):
                found["epochs"] = min(step.epochs, epochs)
            steps[k] = replace(step, **found)
        return replace(self.recipe, steps=tuple(steps), budget=budget,
                       name=name or self.recipe.name)


def space_of(model, recipe: Recipe, split, ranges: Ranges) -> Space:
    """What is open in a recipe: bits of ``quantise``, densities of the steps that prune to some.

    Raises
    ------
    SpecError    If it has no such ``quantise``, or contradicts itself or the model.
    """
    context, names = context_of(prepared(model, split), split), {}
    for k, step in enumerate(recipe.steps):
        if type(step) is Quantise:
            names[k, "weight_bits"] = tuple(context.layers)
            names[k, "activation_bits"] = tuple(activations(context.model))
        elif isinstance(step, PruningTo):
            names[k, "density"] = tuple(context.per_layer("density", step.density))
        recipe.validate_step(k, context)
    if not any(what == "weight_bits" for _, what in names):
        raise SpecError(f"{recipe.path}: must have a step 'quantise', whose bits are searched, not"
                        f" {[step.kind for step in recipe.steps]} alone")
    return Space(recipe, ranges, names)
