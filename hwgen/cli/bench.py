"""``hwgen bench``: a measurement, as a table and as rows in a file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .errors import spec_error
from .options import Json
from .output import note, print_raw, show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen bench list", "hwgen bench demo",
            "hwgen bench binary --part lut-per-xnor --part tfc-ecp5")


def command(
    name: Annotated[str, typer.Argument(
        metavar="[NAME|list]", help="Benchmark to run; 'list' says which there are.")] = "list",
    part: Annotated[list[str] | None, typer.Option(
        "--part", help="Only this part of a benchmark that has parts; may be repeated.")] = None,
    data: Annotated[Path | None, typer.Option(
        "--data", help="Folder of the MNIST files, or of matrices, where a part needs it.",
    )] = None,
    out: Annotated[Path, typer.Option(
        "--out", "-o", help="Folder for NAME.json.")] = Path("rtl_out/bench"),
    as_markdown: Annotated[bool, typer.Option(
        "--markdown", help="Print the rows as a Markdown table.")] = False,
    as_json: Json = False,
):
    """Run a benchmark; prints its rows and writes them to rtl_out/bench/NAME.json.

    Ends with 1 if a row does not meet what it must.
    """
    from hwgen import bench

    if as_json and as_markdown:
        raise spec_error("--json and --markdown must not both be given")
    if name == "list":
        modules = [bench.load(each) for each in bench.names()]
        document = [{"name": m.NAME, "description": m.DESCRIPTION} for m in modules]
        show(document, as_json=as_json, text=lambda: _list(document))
        return
    module = bench.load(name)
    options = {key: value for key, value in (("parts", part), ("data", data)) if value}
    if options and not hasattr(module, "PARTS"):
        raise spec_error(f"benchmark '{name}' has no parts: --part and --data must not be given")
    with show_progress() as progress:
        rows = module.run(progress, **options)
    path = bench.write_rows(rows, out, name)
    if as_markdown:
        print_raw(bench.markdown(rows) + "\n")
    else:
        show([row.to_dict() for row in rows], as_json=as_json, text=lambda: [
            bench.table(rows, title=f"{name}: {module.DESCRIPTION}"), _verdict(rows)])
    note(f"rows written to {path}")
    if any(row.failed for row in rows):
        raise typer.Exit(1)


def _list(document) -> Table:
    table = Table("name", "description", title="Benchmarks", title_justify="left")
    for entry in document:
        table.add_row(f"[bold]{entry['name']}[/]", entry["description"])
    return table


def _verdict(rows) -> str:
    bound = [row for row in rows if row.must is not None]
    failed = [row for row in bound if row.failed]
    if not failed:
        return f"[green]All {len(bound)} bounds are met.[/]"
    lines = "".join(f"\n  {r.work}, {r.metric}: {r.value} must be {r.must}" for r in failed)
    return f"[bold red]{len(failed)} of {len(bound)} bounds are not met:[/]{lines}"
