"""``compress(model, recipe, data)``: plain PyTorch and a recipe to an exact network."""

import copy

import torch

from .data import Split
from .frame.checkpoints import remove_checkpoints
from .frame.prepare import context_of, integers_of, prepared
from .frame.recipe import Recipe
from .frame.result import Compressed, finished
from .frame.run import Run
from .frame.shape import require_scores
from .frame.step import Step

__all__ = ["begun", "carried_out", "compress"]


def compress(model, recipe, data: Split, *, folder=None, progress=None, device: str | None = None,
             fresh: bool = False) -> Compressed:
    """Compress ``model`` by ``recipe``; see docs/compress.md.

    The whole recipe is checked against the model before anything is trained. Two runs give the
    same integers, also where one was interrupted: with ``folder``, each training goes on from its
    checkpoint. ``model`` is not changed.

    Parameters
    ----------
    model : torch.nn.Module
        Plain PyTorch of supported layers, or the functional operations that do the same. It takes
        the integers of ``data`` as float and may begin with a QuantInput; without one they are read
        as ``integer * 2**-bits``, numbers below 1.
    recipe : Recipe, path of a TOML file, or sequence of Step
    data : Split
        Integer samples and labels; the test part is looked at once, at the end.
    folder : path, optional
        For checkpoints; kept, so that the same call is quick a second time.
    progress : callable of Epoch, optional
        After each epoch: loss, accuracy, density and bits.
    device : str, optional
        ``"cuda"`` where torch has one unless given, else ``"cpu"``.
    fresh : bool
        Remove the checkpoints of this recipe from ``folder`` first, once it is checked.

    Raises
    ------
    SpecError         If the recipe contradicts itself or the model: the step, the layer, the line.
    CheckpointError   If a checkpoint is damaged or of another training: see ``fresh``.
    TrainingError     If a loss is not finite; the last good checkpoint stays.
    BudgetError       If the budget is not met: says the best that was found, and holds it.
    """
    return carried_out(begun(model, recipe, data, folder=folder, progress=progress, device=device,
                             fresh=fresh))


def begun(model, recipe, data: Split, *, folder=None, progress=None,
          device: str | None = None, fresh: bool = False) -> Run:
    """A run of which nothing is done yet, its recipe checked; as :func:`compress` otherwise."""
    if not isinstance(data, Split):
        raise TypeError(f"data must be a hwgen.compress.Split, not {type(data).__name__}")
    recipe = _recipe(recipe)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    whole = prepared(model, data)
    require_scores(whole, data)
    recipe.validate(context_of(whole, data))
    if fresh and folder is not None:
        remove_checkpoints(folder, recipe)
    return Run(whole, recipe, data, folder=folder, progress=progress, device=device)


def carried_out(run: Run) -> Compressed:
    """The result of a run that is begun."""
    reference = None
    for k, step in enumerate(run.recipe.steps):
        run.enter(k)
        if all(integers_of(layer)[0] is None for layer in run.matrices.values()):
            reference = copy.deepcopy(run.model).eval()
        step.apply(run)
    return finished(run, reference)


def _recipe(recipe) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, Step):
        return Recipe((recipe,))
    if isinstance(recipe, list | tuple):
        return Recipe(tuple(recipe))
    return Recipe.load(recipe)
