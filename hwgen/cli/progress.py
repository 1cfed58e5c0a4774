"""How far the steps are: bars on a terminal, a line per step elsewhere.

Both are callables ``progress(step, fraction, text)``, from any thread; ``fraction`` is None where
unknown, and 1 ends a step.
"""

import threading
import time
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from .output import stderr

__all__ = ["Bars", "Lines", "show_progress"]

QUIET_S = 10.0
"""Seconds of one step after which a further line is printed where there are no bars."""

COMPILING = "compiles itself"
"""What a tool's first call says; always printed, because a minute of silence follows."""


@contextmanager
def show_progress(console: Console | None = None):
    """Give a progress callable that prints on ``console``, by default standard error."""
    console = console or stderr()
    if not console.is_terminal:
        yield Lines(console)
        return
    with Bars(console) as bars:
        yield bars


class Lines:
    """A line when a step begins, one when it ends, and one now and then in between.

    Parameters
    ----------
    console : rich.console.Console
    clock : callable      seconds, monotonic
    """

    def __init__(self, console: Console, *, clock=time.monotonic):
        self._console, self._clock = console, clock
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._printed: dict[str, float] = {}

    def __call__(self, step: str, fraction: float | None, text: str) -> None:
        with self._lock:
            self._tell(step, fraction, text)

    def _tell(self, step, fraction, text):
        now = self._clock()
        if step not in self._begun:
            self._begun[step] = self._printed[step] = now
            if not _is_done(fraction):
                self._print(step, text)
        elif COMPILING in text or now - self._printed[step] >= QUIET_S:
            self._printed[step] = now
            self._print(step, text if fraction is None else f"{fraction:4.0%} {text}")
        if _is_done(fraction):
            seconds = now - self._begun.pop(step)
            self._print(step, text if text not in ("", "done") else f"done in {seconds:.1f} s")

    def _print(self, step, text):
        line = f"{step}: {text}" if text else step
        self._console.print(line, markup=False, soft_wrap=True)


class Bars:
    """One bar for each step that is under way; a finished step becomes a line above them."""

    def __init__(self, console: Console):
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}", style="bold"), BarColumn(bar_width=24),
            TaskProgressColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", style="dim"), console=console, transient=True,
        )
        self._lock = threading.Lock()
        self._tasks: dict[str, int] = {}

    def __enter__(self):
        self._bars.start()
        return self

    def __exit__(self, *_):
        self._bars.stop()

    def __call__(self, step: str, fraction: float | None, text: str) -> None:
        with self._lock:
            self._tell(step, fraction, text)

    def _tell(self, step, fraction, text):
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=None, text="")
        task = self._tasks[step]
        total = None if fraction is None else 1.0
        self._bars.update(task, total=total, completed=fraction or 0.0, text=_short(text))
        if _is_done(fraction):
            self._finish(step, text)

    def _finish(self, step, text):
        task = self._tasks.pop(step)
        seconds = next(t.elapsed for t in self._bars.tasks if t.id == task) or 0.0
        self._bars.remove_task(task)
        said = text if text not in ("", "done") else f"{seconds:.1f} s"
        self._console.print(Text.assemble(("✓ ", "green"), (step, "bold"), (f"  {said}", "dim")))


def _is_done(fraction) -> bool:
    return fraction is not None and fraction >= 1.0


def _short(text: str, limit: int = 60) -> str:
    line = " ".join(text.split()).replace("[", r"\[")
    return line if len(line) <= limit else f"{line[:limit - 1]}…"
