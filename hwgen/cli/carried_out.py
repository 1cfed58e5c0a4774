"""A model and its recipe from the shell: read, carried out, told epoch by epoch."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from .progress import show_progress

__all__ = ["Data", "Device", "Fresh", "carried_out", "shown_epoch"]

Data = Annotated[Path | None, typer.Option(
    "--data", help="Folder with four IDX files such as MNIST's, for a model.")]
Device = Annotated[str | None, typer.Option(
    "--device", help="cpu or cuda; by default cuda where torch has one.")]
Fresh = Annotated[bool, typer.Option(
    "--fresh", help="Remove the checkpoints of this recipe first, so that what they hold is trained"
    " anew.")]


def carried_out(model, recipe, data, out, device, *, fresh=False, has_budget=True):
    """What the recipe file makes of the model file, and the data.

    Checkpoints are kept in a folder of ``out``, so commands that follow one another train once.
    Without ``has_budget`` the recipe's does not matter.

    Raises
    ------
    BudgetError    If the budget is not met: holds the best that was found.
    """
    from hwgen.compress import Recipe, compress
    from hwgen.compress.frame.source import load_source

    steps = Recipe.load(recipe)
    if not has_budget:
        steps = replace(steps, budget=None)
    module, split = load_source(model, seed=steps.seed, folder=data)
    with show_progress() as progress:
        return compress(module, steps, split, folder=out / "checkpoints", device=device,
                        fresh=fresh, progress=lambda epoch: shown_epoch(progress, epoch)), split


def shown_epoch(progress, epoch) -> None:
    """Tell an epoch of a training."""
    progress(epoch.name, epoch.epoch / epoch.epochs,
             f"epoch {epoch.epoch} of {epoch.epochs}, loss {epoch.loss:.3f}, accuracy"
             f" {100 * epoch.accuracy:.1f} %, {epoch.bits:,} bits")
