"""How much each layer minds: its weights rounded, its activations rounded, its weights removed.

One layer at a time, all others left alone, on training samples that are held back.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from hwgen.numeric import SpecError

from ..checkpoint import load_checkpoint, save_checkpoint
from ..fixed import MAX_BITS
from ..form import form_of, latent, put
from ..frame.prepare import activations, matrices
from ..frame.recipe import Recipe
from ..held import held_back, judged
from ..layer import within
from ..methods.mask import Mask, keep
from ..methods.quantise import Quantise
from ..methods.widths import REST, Widths, rounded
from .start import fingerprint, started, steps_in_float

__all__ = ["ACTIVATION_BITS", "DENSITIES", "WEIGHT_BITS", "Point", "Sensitivity", "sensitivity"]

WEIGHT_BITS = tuple(range(2, 9))
ACTIVATION_BITS = tuple(range(1, 9))
DENSITIES = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02)


@dataclass(frozen=True)
class Point:
    """One layer changed in one way.

    Members
    -------
    layer : str      a matrix, or an activation
    what : str       ``weights`` or ``activations``, of ``value`` bits, or ``density``
    value : int or float
    error : float    percent of the held-back samples
    loss : float     their mean cross entropy, which moves where the error does not yet
    """

    layer: str
    what: str
    value: int | float
    error: float
    loss: float


@dataclass(frozen=True)
class Sensitivity:
    """What :func:`sensitivity` finds.

    Members
    -------
    name : str              of the recipe
    held : int              training samples that were held back
    float_error : float     of the float network on them, percent
    error, loss : float     of the network with all weights and activations of 16 bits, which stands
                            for what is left alone
    points : tuple of Point
    """

    name: str
    held: int
    float_error: float
    error: float
    loss: float
    points: tuple[Point, ...]

    def of(self, what: str) -> dict[str, list[Point]]:
        """Layer -> its points of one kind, in the order of their values."""
        found: dict[str, list[Point]] = {}
        for point in sorted((each for each in self.points if each.what == what),
                            key=lambda each: each.value):
            found.setdefault(point.layer, []).append(point)
        return {layer: found[layer] for layer in
                dict.fromkeys(each.layer for each in self.points) if layer in found}

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return {**vars(self), "rest_bits": REST, "points": [asdict(each) for each in self.points]}

    def save(self, folder) -> Path:
        """Write ``NAME-sensitivity.json`` into ``folder``; its path."""
        path = Path(folder) / f"{self.name}-sensitivity.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
        return path


def sensitivity(model, recipe, data, *, weight_bits=WEIGHT_BITS, activation_bits=ACTIVATION_BITS,
                densities=DENSITIES, held: int | None = None, folder=None, progress=None,
                tell=None, device: str | None = None, fresh: bool = False) -> Sensitivity:
    """The error as one layer after another is rounded or pruned, the others left alone.

    The recipe's steps in front of the one that makes integers are carried out first, without the
    samples that are held back. Then nothing is trained: weights and activations are rounded in
    calibrated steps, and the smallest weights removed at once. What is left alone has 16 bits.

    Parameters
    ----------
    model, recipe, data, progress, device, fresh
        As of :func:`hwgen.compress.compress`; the test part of ``data`` is not looked at.
    weight_bits, activation_bits : sequences of int
    densities : sequence of float
    held : int, optional
        Training samples that are held back; a fifth unless given, at most 5,000.
    folder : path, optional
        For checkpoints and for the points that are done, so that a study which was stopped goes on.
    tell : callable(Point, done, of), optional
        After each point.

    Raises
    ------
    SpecError    As :func:`hwgen.compress.compress`; and if a width, a density or ``held`` is none.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    for bits in weight_bits:
        within("weight_bits", bits, 2, MAX_BITS)
    for bits in activation_bits:
        within("activation_bits", bits, 1, MAX_BITS)
    for density in densities:
        if not 0 < density <= 1:
            raise SpecError(f"densities must be above 0 and at most 1, not {density!r}")
    split = held_back(data, held, seed=recipe.seed)
    folder = None if folder is None else Path(folder) / f"held-{len(split.x_test)}"
    run = started(model, recipe, split, steps_in_float(model, recipe, split), folder=folder,
                  progress=progress, device=device, fresh=fresh)
    study = _Study(run, _rule(recipe))
    wanted = [(name, what, value) for what, names, values in (
        ("weights", run.matrices, weight_bits), ("activations", activations(run.model),
                                                 activation_bits),
        ("density", run.matrices, densities)) for name in names for value in values]
    points = study.points(wanted, folder and folder / f"{recipe.name}-sensitivity.points",
                          tell or (lambda *_: None))
    error, loss = study.judge({}, {})
    return Sensitivity(recipe.name, len(split.x_test), judged(run.model, split.x_test,
                                                              split.y_test)[0],
                       error, loss, tuple(points))


def _rule(recipe) -> str:
    return next((step.rule for step in recipe.steps if isinstance(step, Quantise | Widths)),
                Quantise.rule)


class _Study:
    """One float network, and what happens to it."""

    def __init__(self, run, rule):
        self.run, self.rule = run, rule

    def points(self, wanted, kept, tell):
        done, key = {}, fingerprint(self.run, self.rule)
        if kept is not None and kept.is_file():
            found = load_checkpoint(kept)
            done = dict(found["points"]) if found["key"] == key else {}
        points = []
        for at in wanted:
            if at not in done:
                done[at] = self.measure(*at)
                if kept is not None:
                    save_checkpoint(kept, {"key": key, "points": list(done.items())})
            points.append(Point(*at, *done[at]))
            tell(points[-1], len(points), len(wanted))
        return points

    def measure(self, layer, what, value) -> tuple[float, float]:
        if what == "density":
            model = copy.deepcopy(self.run.model)
            _prune(matrices(model)[layer], value)
            return self.judge({}, {}, model)
        return self.judge(*(({layer: value}, {}) if what == "weights" else ({}, {layer: value})))

    def judge(self, weight_bits: Mapping, activation_bits: Mapping, model=None):
        """Error and loss with the widths that are given, the others of REST bits."""
        model = self.run.model if model is None else model
        twin = rounded(model, self.run.samples(), self.rule, weight_bits, activation_bits)
        return judged(twin, self.run.split.x_test, self.run.split.y_test)


@torch.no_grad()
def _prune(layer, density):
    if form_of(layer, Mask) is None:
        put(layer, Mask(layer.weight))
    keep(layer, latent(layer).abs(), density)
