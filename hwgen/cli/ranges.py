"""Options of the studies: ranges of bits, held-back samples, a recipe that may be left out."""

import re
from pathlib import Path
from typing import Annotated

import typer

from .errors import spec_error

__all__ = ["Bits", "Held", "integers_between", "template_of"]

Bits = Annotated[str, typer.Option(metavar="LOW..HIGH", help="Widths to try, both ends among"
                                   " them; one number is the only width tried.")]
Held = Annotated[int | None, typer.Option(
    "--held", min=1, help="Training samples to hold back; a fifth by default, at most 5000.")]


def integers_between(what: str, text: str) -> range:
    """``LOW..HIGH``, both among them, or one number.

    Raises
    ------
    SpecError    If it is neither, or the wrong way round.
    """
    found = re.fullmatch(r"([0-9]+)(?:\.\.([0-9]+))?", text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if low > high:
        raise spec_error(f"{what} must be a number, or two as in 2..8, not {text!r}")
    return range(low, high + 1)


def template_of(recipe: Path | None, model: Path):
    """The recipe of a file, or where there is none ``quantise`` alone, named as the model is."""
    from hwgen.compress import METHODS, Recipe

    if recipe is not None:
        return Recipe.load(recipe)
    name = re.sub(r"[^A-Za-z0-9_]", "_", model.stem)
    return Recipe((METHODS["quantise"](),), name=name if not name[:1].isdigit() else f"_{name}")
