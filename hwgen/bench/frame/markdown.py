"""The rows of a benchmark as a Markdown table, for documents."""

from .table import format_number

__all__ = ["line", "markdown"]

COLUMNS = ("work", "metric", "value", "must", "stretch", "met", "published", "device")


def markdown(rows) -> str:
    """One line for each row; the name of a work stands in its first line alone."""
    lines = [line(COLUMNS), line("---:" if name == "value" else "---" for name in COLUMNS)]
    before = None
    for row in rows:
        work, before = ("" if row.work == before else row.work), row.work
        value = f"{format_number(row.value)} {row.unit}".strip()
        lines.append(line((work, row.metric, value, row.must or "", row.stretch or "",
                            _verdict(row), row.published, row.device)))
    return "\n".join(lines)


def line(cells) -> str:
    """One line of a table."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _verdict(row) -> str:
    if row.met is None:
        return ""
    if not row.met:
        return "no"
    return "stretch" if row.stretched else "yes"
