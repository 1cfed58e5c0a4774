"""The program of a bench, run to its end, and what it found."""

import json
import sys
from importlib import metadata
from pathlib import Path

from ..emit import bench_folder
from ..toolchain import ToolError, ToolInfo, environment
from ..toolchain.runner import execute

__all__ = ["run_bench"]

FOUND_FAULT = 1
"""Exit status of the bench when it ran and found something wrong."""


def run_bench(args, folder: Path, *, how: str, progress) -> dict:
    """What ``results.json`` in ``folder`` says after ``run.py`` ran with ``args``.

    Parameters
    ----------
    args : list
    folder : Path                              of results, and where it runs
    how : str                                  with what, for the message
    progress : callable(step, fraction, text)

    Raises
    ------
    ToolError    If it did not get to its end.
    """
    tool = ToolInfo(name="bench", kind="wheel", path=sys.executable,
                    version=metadata.version("cocotb"))
    done = execute(tool, [bench_folder() / "run.py", *args], cwd=folder, log="bench.log",
                   env=environment(), progress=_Teller(progress))
    written = folder / "results.json"
    if done.returncode not in (0, FOUND_FAULT) or not written.is_file():
        raise ToolError(f"bench must run {how} to the end, and did not", command=done.command,
                        returncode=done.returncode, tail=done.tail, log=done.log)
    return json.loads(written.read_text(encoding="utf-8"))


class _Teller:
    """Makes progress of the lines that the bench prints."""

    def __init__(self, progress):
        self._progress = progress
        self._compiling = False

    def __call__(self, line: str):
        words = line.split()
        if line.startswith("build: "):
            self._compiling = True
            self._progress("compile", None, line.removeprefix("build: "))
        elif len(words) == 4 and words[0] == "frames" and words[2] == "of":
            if self._compiling:
                self._compiling = False
                self._progress("compile", 1.0, "done")
            done, total = int(words[1]), int(words[3])
            self._progress("simulate", done / total, f"{done} of {total} frames")
