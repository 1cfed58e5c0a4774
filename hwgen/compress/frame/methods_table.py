"""The methods as a Markdown table, for docs/compress.md."""

from dataclasses import MISSING, fields
from pathlib import Path

from ..methods import METHODS
from .step import TrainingStep

__all__ = ["methods_table", "written"]

TRAINING = {field.name for field in fields(TrainingStep)}


def methods_table() -> str:
    """One line for each method; fields of training, which most have, are left out."""
    lines = ["| kind | what it does | its own fields | source |", "|---|---|---|---|"]
    for kind, step in METHODS.items():
        own = ", ".join(_field(each) for each in fields(step)
                        if each.name not in TRAINING or not issubclass(step, TrainingStep))
        trains = "" if issubclass(step, TrainingStep) else " (does not train)"
        lines.append(f"| `{kind}` | {step.text}{trains} | {own} | {step.source} |")
    return "\n".join(lines) + "\n"


def _field(field) -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return f"`{field.name}` (must be given)"
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return f"`{field.name}`" if default is None else f"`{field.name}` = {default!r}".lower()


def written(text: str) -> str:
    """``text`` of the document with the table as it is now."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + methods_table() + END + rest.split(END)[1]


BEGIN, END = "<!-- methods: written by hwgen.compress.frame.methods_table -->", \
    "<!-- end of methods -->"

if __name__ == "__main__":
    path = Path("docs/compress.md")
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
