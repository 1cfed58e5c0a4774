"""``hwgen doctor``: which tools are there, and what to do about those that are not."""

from dataclasses import asdict

import typer
from rich.table import Table

from .options import Json
from .output import show

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen doctor",)


def command(as_json: Json = False):
    """Say which tools and versions are found, and what to do about what is not.

    Ends with 1 if something that is needed is missing.
    """
    from hwgen.toolchain import inspect

    statuses = inspect()
    missing = [status.name for status in statuses if not status.ok]
    document = {"ok": not missing, "missing": missing, "tools": [asdict(s) for s in statuses]}
    show(document, as_json=as_json, text=lambda: [_table(statuses), _summary(missing)])
    if missing:
        raise typer.Exit(1)


def _table(statuses) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("", "name", "version", "used for", "what to do"):
        table.add_column(column, no_wrap=column == "version",
                         max_width=36 if column == "version" else None)
    for status in statuses:
        table.add_row(_mark(status), f"[bold]{status.name}[/]", status.version or "not found",
                      f"[dim]{status.purpose}[/]", status.advice)
    return table


def _mark(status) -> str:
    if not status.ok:
        return "[bold red]✗[/]"
    return "[green]✓[/]" if status.found else "[yellow]–[/]"


def _summary(missing) -> str:
    if not missing:
        return "\n[green]All that hwgen needs is here.[/] Next: hwgen demo"
    return f"\n[bold red]Missing:[/] {', '.join(missing)}"
