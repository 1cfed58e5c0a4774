"""``hwgen sensitivity``: what each layer alone costs when it is rounded or pruned."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .carried_out import Data, Device, Fresh, shown_epoch
from .errors import spec_error
from .options import Json
from .output import show
from .progress import show_progress
from .ranges import Bits, Held, integers_between, template_of

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen sensitivity model.py --recipe recipe.toml",
            "hwgen sensitivity lenet.py --recipe deep.toml --data FOLDER --weight-bits 2..6")

WHAT = {"weights": "weights, bits", "activations": "activation, bits", "density": "density"}


def command(
    model: Annotated[Path, typer.Argument(
        metavar="MODEL.py", help="Python file as for 'hwgen compress'.")],
    recipe: Annotated[Path | None, typer.Option(
        "--recipe", help="TOML file; its steps before the integers are carried out first.")] = None,
    data: Data = None,
    weight_bits: Bits = "2..8",
    activation_bits: Bits = "2..8",
    densities: Annotated[str, typer.Option(
        metavar="D,D,...", help="Shares of the weights that are left.")] = "0.5,0.3,0.2,0.1,0.05",
    held: Held = None,
    out: Annotated[Path, typer.Option(
        "--out", "-o", help="Folder for NAME-sensitivity.json and .svg, and for checkpoints."
    )] = Path("rtl_out/compress"),
    device: Device = None,
    fresh: Fresh = False,
    as_json: Json = False,
):
    """Show the error as each layer alone is rounded or pruned, on held-back training samples.

    The test samples are not looked at. A study that was interrupted goes on where it was.
    """
    from hwgen.compress.frame.source import load_source
    from hwgen.compress.study.sensitivity import sensitivity
    from hwgen.report.sensitivity import draw

    steps = template_of(recipe, model)
    module, split = load_source(model, seed=steps.seed, folder=data)
    with show_progress() as progress:
        found = sensitivity(
            module, steps, split, weight_bits=integers_between("--weight-bits", weight_bits),
            activation_bits=integers_between("--activation-bits", activation_bits),
            densities=_shares(densities), held=held, folder=out, device=device,
            fresh=fresh, progress=lambda epoch: shown_epoch(progress, epoch),
            tell=lambda point, done, of: progress(
                f"{steps.name}: sensitivity", done / of,
                f"{done} of {of}: {point.layer}, {WHAT[point.what]} {point.value:g}:"
                f" {point.error:g} %"))
    document, plot = found.save(out), draw(found, out / f"{steps.name}-sensitivity.svg")
    show({"document": str(document), "plot": str(plot), **found.to_dict()}, as_json=as_json,
         text=lambda: [*_tables(found), f"[green]Written to {document} and {plot}[/]"])


def _shares(text: str) -> list[float]:
    if not re.fullmatch(r"[0-9.]+(,[0-9.]+)*", text):
        raise spec_error(f"--densities must be numbers such as 0.5,0.1, not {text!r}")
    try:
        return [float(each) for each in text.split(",")]
    except ValueError as error:
        raise spec_error(f"--densities must be numbers such as 0.5,0.1, not {text!r}") from error


def _tables(found) -> list:
    """Error in percent of each layer, a table for each way to change it."""
    tables = []
    for what, title in WHAT.items():
        layers = found.of(what)
        if not layers:
            continue
        values = [point.value for point in next(iter(layers.values()))]
        table = Table("layer", title=f"{found.name}: error in %, {title}", title_justify="left")
        for value in values:
            table.add_column(f"{value:g}", justify="right")
        for layer, points in layers.items():
            table.add_row(layer, *(f"{point.error:.2f}" for point in points))
        tables.append(table)
    return [*tables, f"{found.held:,} held-back training samples: float {found.float_error:.2f} %,"
                     f" all of 16 bits {found.error:.2f} %"]
