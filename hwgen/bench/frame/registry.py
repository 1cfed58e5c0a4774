"""Which benchmarks there are: every module of ``hwgen.bench``, found by looking."""

from importlib import import_module
from pathlib import Path

from hwgen.numeric.errors import SpecError, did_you_mean

__all__ = ["load", "names"]

_FOLDER = Path(__file__).resolve().parents[1]


def names() -> list[str]:
    """The names of all benchmarks, sorted."""
    return sorted(_modules())


def load(name: str):
    """The module of a benchmark: ``NAME``, ``DESCRIPTION``, ``run(progress) -> list of Row``.

    Raises
    ------
    SpecError    If there is none of that name.
    """
    modules = _modules()
    if name not in modules:
        raise SpecError(f"benchmark must be one of {', '.join(sorted(modules))}, not {name!r}"
                        + did_you_mean(name, modules))
    return modules[name]


def _modules() -> dict:
    stems = [path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__"]
    modules = [import_module(f"hwgen.bench.{stem}") for stem in sorted(stems)]
    return {module.NAME: module for module in modules}
