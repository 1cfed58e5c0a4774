"""The boards that hwgen knows: one file each, which defines ``BOARD``.

A new board is one new file in this folder, or anywhere else: :func:`load` takes a path too.
"""

from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from hwgen.numeric.errors import SpecError, did_you_mean

if TYPE_CHECKING:
    from hwgen.board_targets.shared import Board

__all__ = ["load", "names"]


def names() -> list[str]:
    """Return the names of all boards, sorted."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(file.stem.replace("_", "-") for file in files if file.stem != "__init__")


def load(name_or_path: str | Path) -> "Board":
    """Return the board called ``name_or_path``, or defined in the Python file of that path.

    Raises
    ------
    SpecError
        If there is no such board or file, or the file defines no ``BOARD``.
    """
    name = str(name_or_path)
    if name.endswith(".py"):
        return _board_of(_run_file(Path(name)), name)
    if name not in names():
        raise SpecError(f"board must be one of {', '.join(names())}, or the path of a board's "
                        f".py file, not {name!r}" + did_you_mean(name, names()))
    return _board_of(import_module(f"hwgen.board_targets.{name.replace('-', '_')}"), name)


def _run_file(path: Path):
    """Return the module that the file at ``path`` defines."""
    if not path.is_file():
        raise SpecError(f"board: path must be a file that exists, not {str(path)!r}")
    spec = spec_from_file_location(f"hwgen_board_{path.stem}", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _board_of(module, name: str) -> "Board":
    from hwgen.board_targets.shared import Board

    board = getattr(module, "BOARD", None)
    if not isinstance(board, Board):
        raise SpecError(f"board {name!r}: file must define BOARD, a Board, not {board!r}")
    return board
