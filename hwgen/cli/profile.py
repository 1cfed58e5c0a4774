"""``hwgen profile``: how a network's numbers lie in their formats, as a page."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .carried_out import Data, Device, Fresh, carried_out
from .errors import spec_error
from .options import Json, load_integers
from .output import show

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen profile model.py --recipe recipe.toml",
            "hwgen profile rtl_out/compress/lenet.hwgen --vectors images.npy -o rtl_out/profile")


def command(
    subject: Annotated[Path, typer.Argument(
        metavar="MODEL.py", help="Python file as for 'hwgen compress', or a network file"
        " NAME.hwgen.")],
    recipe: Annotated[Path | None, typer.Option(
        "--recipe", help="TOML file, of a model; see docs/compress.md.")] = None,
    data: Data = None,
    vectors: Annotated[Path | None, typer.Option(
        "--vectors", help=".npy file of integers (n, *shape), for a network file.")] = None,
    out: Annotated[Path, typer.Option(
        "--out", "-o", help="Folder for NAME-profile.html and .json, of a network file"
        " NAME-profile-vectors.html, and for checkpoints."
    )] = Path("rtl_out/compress"),
    device: Device = None,
    fresh: Fresh = False,
    as_json: Json = False,
):
    """Show how weights and activations lie in their formats, and how far they are from float.

    A model is compressed by its recipe first; what 'hwgen compress' trained into the same folder
    is not trained again. Samples are of the training part.
    """
    from hwgen.report.profile import profile

    if (subject.suffix == ".hwgen") != (recipe is None) or (vectors is None) == (recipe is None):
        raise spec_error(f"'{subject}' must be a model with --recipe, or a network file NAME.hwgen"
                         f" with --vectors")
    if recipe is None:
        from hwgen.flow import api

        found = profile(api.load(subject), load_integers(vectors, "vectors"))
        page, document = found.save(out, "profile-vectors")
    else:
        found = profile(*carried_out(subject, recipe, data, out, device, fresh=fresh,
                                     has_budget=False))
        page, document = found.save(out)
    show({"page": str(page), "document": str(document), **found.to_dict()}, as_json=as_json,
         text=lambda: [_table(found), f"[green]Page written to {page}[/]"])


def _table(profile) -> Table:
    from hwgen.report.profile import saturated

    table = Table(title=f"{profile.name}, {profile.samples} samples", title_justify="left")
    for name in ("node", "kind"):
        table.add_column(name)
    for name in ("least", "most", "can hold", "saturated", "SQNR, dB", "max error"):
        table.add_column(name, justify="right")
    for each in profile.nodes:
        stage = profile.stages.get(each.node)
        db, error = (None, None) if stage is None else (stage.sqnr_db, stage.max_error)
        table.add_row(each.node, each.kind, f"{each.least:,}", f"{each.most:,}",
                      f"{each.low:,} to {each.high:,}", f"{saturated(each):,}",
                      "–" if db is None else f"{db:.1f}", "–" if error is None else f"{error:.4g}")
    return table
