"""What the commands print: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

__all__ = ["note", "print_json", "print_raw", "show", "stderr", "stdout"]

PLAIN_WIDTH = 120
"""Columns where there is no terminal to ask: rich's own 80 would break the tables."""


def stdout() -> Console:
    """The console for results."""
    return _console(sys.stdout, stderr=False)


def stderr() -> Console:
    """The console for progress, notes and errors."""
    return _console(sys.stderr, stderr=True)


def _console(stream, *, stderr: bool) -> Console:
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(stderr=stderr, width=width, highlight=False)


def show(document, *, as_json: bool, text: Callable[[], object]) -> None:
    """Print ``document`` as JSON, or what ``text()`` gives: anything rich can print, or a list."""
    if as_json:
        print_json(document)
        return
    parts = text()
    for part in parts if isinstance(parts, list) else [parts]:
        stdout().print(part)


def note(text: str) -> None:
    """Print a remark on standard error."""
    stderr().print(text, style="dim", markup=False, soft_wrap=True)


def print_raw(text: str) -> None:
    """Print ``text`` on standard output as it is: no markup, no wrapping, nothing added."""
    sys.stdout.write(text)


def print_json(document) -> None:
    """Print ``document`` as JSON on standard output; numpy's numbers and arrays are taken too."""
    print(json.dumps(document, indent=1, default=_plain, allow_nan=False))


def _plain(value):
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # of numpy, which need not be loaded for this
        return value.tolist()
    raise TypeError(f"document must be plain JSON, not {value!r}")
