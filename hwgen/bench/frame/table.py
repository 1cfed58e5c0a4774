"""The rows of a benchmark, for people."""

from rich.table import Table

__all__ = ["format_number", "table"]


def table(rows, *, title: str) -> Table:
    """One line for each row, grouped by its work."""
    grid = Table(title=title, title_justify="left")
    grid.add_column("work", style="bold")
    grid.add_column("metric")
    grid.add_column("value", justify="right")
    for column in ("unit", "must", "stretch", "met", "published", "device"):
        grid.add_column(column)
    before = None
    for row in rows:
        if before is not None and row.work != before:
            grid.add_section()
        work, before = ("" if row.work == before else row.work), row.work
        grid.add_row(work, row.metric, format_number(row.value), row.unit, row.must or "",
                     row.stretch or "", _verdict(row), row.published, row.device)
    return grid


def format_number(value) -> str:
    """Digits in groups; of a fraction as many places as matter."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.5g}"


def _verdict(row) -> str:
    if row.met is None:
        return ""
    if not row.met:
        return "[bold red]no[/]" if row.failed else "[yellow]no[/]"
    return "[green]yes[/]" if not row.stretched else "[green]yes, stretch[/]"
