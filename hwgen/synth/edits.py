"""What is changed in a netlist before nextpnr gets it."""

import hashlib
import inspect
import json
from pathlib import Path

from hwgen.synth.block_registers import take_in_registers
from hwgen.synth.carries import free_zeros

__all__ = ["edit_netlist", "edits_of"]

_EDITS = {"ecp5": (free_zeros, take_in_registers)}
"""Family -> functions that change a module of a netlist and say in how many places."""


def edits_of(family: str) -> list[str]:
    """Digests of the files that say what is changed in netlists of a family."""
    files = [Path(inspect.getfile(edit)) for edit in _EDITS.get(family, ())]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def edit_netlist(path, top: str, family: str) -> int:
    """Change the top module of the netlist ``path``, in yosys's JSON; give in how many places."""
    if family not in _EDITS:
        return 0
    design = json.loads(Path(path).read_text(encoding="utf-8"))
    places = sum(edit(design["modules"][top]) for edit in _EDITS[family])
    if places:
        Path(path).write_text(json.dumps(design), encoding="utf-8")
    return places
