"""Named, timed steps whose results are kept, so that a run goes on where an earlier one ended."""

import hashlib
import json
import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..numeric import SpecError

__all__ = ["Progress", "Steps", "code_digest", "digest_of"]

Progress = Callable[[str, float | None, str], None]
"""Called with the step's name, how much of it is done (0..1, None where unknown), and a text."""


@cache
def code_digest(*packages: str) -> str:
    """sha256 over the files of hwgen's ``packages``: those that decide a step's result."""
    digest = hashlib.sha256()
    for package in packages:
        # The spec and not the package: that of `compress` would load torch.
        root = Path(find_spec(f"hwgen.{package}").submodule_search_locations[0])
        files = (path for path in root.rglob("*") if path.is_file())
        for path in sorted(path for path in files if "__pycache__" not in path.parts):
            digest.update(f"{package}/{path.relative_to(root).as_posix()}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def digest_of(*parts) -> str:
    """sha256 of JSON-ready values: what a step's result depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Steps:
    """The steps of one job: each result is written to a JSON file as soon as it is there.

    Parameters
    ----------
    path : path                  the JSON file; read if it is there
    progress : Progress
    name : str                   put in front of the steps' names when progress is told

    Members
    -------
    seconds : dict of str to float     what each step took when it was run
    reused : list of str               steps whose result was there already
    """

    def __init__(self, path, *, progress: Progress, name: str):
        self._path, self._progress, self._name = Path(path), progress, name
        self._done = self._read()
        self.seconds: dict[str, float] = {}
        self.reused: list[str] = []

    def _read(self) -> dict:
        if not self._path.is_file():
            return {}
        try:
            done = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SpecError(f"{self._path}: must be JSON, damaged ({error}); delete it to run its"
                            f" steps again") from error
        sound = isinstance(done, dict) and all(
            isinstance(step, dict) and set(step) == {"key", "seconds", "result"}
            for step in done.values())
        if not sound:
            raise SpecError(f"{self._path}: must hold the results of steps, and does not; delete it"
                            f" to run its steps again")
        return done

    def tell(self, step: str, fraction: float | None, text: str) -> None:
        """Report progress of ``step``."""
        self._progress(f"{self._name}: {step}", fraction, text)

    def run(self, step: str, key: str, function: Callable[[], dict], *,
            needs: tuple[Path, ...] = ()) -> dict:
        """The result of ``function()``, or the kept one if ``key`` is its and ``needs`` are there.

        ``function`` returns a JSON-ready dict.
        """
        kept = self._done.get(step)
        if kept and kept["key"] == key and all(Path(path).exists() for path in needs):
            self.seconds[step] = kept["seconds"]
            self.reused.append(step)
            self.tell(step, 1.0, "there already")
            return kept["result"]
        self.tell(step, 0.0, "")
        begin = time.monotonic()
        result = function()
        self.seconds[step] = round(time.monotonic() - begin, 2)
        self._done[step] = {"key": key, "seconds": self.seconds[step], "result": result}
        self._write()
        self.tell(step, 1.0, f"{self.seconds[step]:.1f} s")
        return result

    def _write(self):
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".tmp")
        aside.write_text(json.dumps(self._done, indent=1), encoding="utf-8")
        aside.replace(self._path)
