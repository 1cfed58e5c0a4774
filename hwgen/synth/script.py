"""The yosys script of a job: from sources to ``netlist.json``."""

import re
from pathlib import Path

from hwgen.emit.verilog import CHAIN_CELLS, MULTIPLY_CELLS

__all__ = ["chain_maps", "map_files", "multiply_maps", "netlist_commands"]

_TECHMAP = Path(__file__).with_name("techmap")

_HIDE_PARTS = r"rename -hide w:*\[*"
"""Amaranth names an array ``x`` and its first element ``x[0]``; ABC9 gives bit 0 of ``x`` that
second name too and ends with "Assert `count_id(wire->name) == 0' failed" (YosysHQ/yosys#4349).
"""

_NARROW = ("opt_expr", "opt_clean", "opt -nodffe -nosdff", "wreduce", "peepopt", "opt_clean",
           "wreduce t:$mul")

_MULTIPLIERS = (
    "techmap -map +/mul2dsp.v -map +/ice40/dsp_map.v -D DSP_A_MAXWIDTH=16 -D DSP_B_MAXWIDTH=16"
    " -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2 -D DSP_Y_MINWIDTH=11 -D DSP_NAME=$__MUL16X16",
    "setattr -unset mul2dsp a:mul2dsp",
    "chtype -set $mul t:$__soft_mul",
)
"""What ``synth_ice40 -dsp`` does but for its last step, ``ice40_dsp``, which is silently wrong
(yosys 0.69): where two registered products are added up, the register of the second becomes both
its block's output register and the first block's addend register; nothing drives the addend, and
the second multiplier is swept away. So registers stay outside of the blocks.
"""


def map_files(device, *, multipliers: bool = True) -> tuple[Path, ...]:
    """What must lie beside the sources for :func:`netlist_commands`, with the same arguments."""
    multiply = multiply_maps(device) if multipliers else ()
    return (*chain_maps(device), *multiply, *_carry_boxes(device))


def chain_maps(device) -> tuple[Path, ...]:
    """Files that say what carry-chain pieces are built of, to be put beside the sources.

    First that of the family, if it has one (``techmap/chain_ecp5.v``); last what the pieces
    compute, for those that are left.
    """
    family = _TECHMAP / f"chain_{device.family}.v"
    return (family, CHAIN_CELLS) if family.is_file() else (CHAIN_CELLS,)


def multiply_maps(device) -> tuple[Path, ...]:
    """The same for multipliers, which a family has a file for and a device blocks."""
    family = _TECHMAP / f"multiply_{device.family}.v"
    has_blocks = family.is_file() and device.totals.get(device.tools.dsp)
    return (family, _TECHMAP / "multiply_luts.v", MULTIPLY_CELLS) if has_blocks else (
        MULTIPLY_CELLS,)


def _carry_boxes(device) -> tuple[Path, ...]:
    """What ABC9 is told of the carry cells of a family, where that is not what yosys says."""
    family = _TECHMAP / f"carry_{device.family}.v"
    return (family,) if family.is_file() else ()


def netlist_commands(device, top: str, options=(), *, multipliers: bool = False) -> list[str]:
    """Yosys commands that synthesise what has been read.

    Parameters
    ----------
    device : Device
    top : str
    options : sequence of str
        Further words for the synth command.
    multipliers : bool
        Whether there are instances of the modules of :data:`MULTIPLY_CELLS`.
    """
    maps = [f"techmap -map {file.name}" for file in chain_maps(device)]
    if multipliers:
        maps += [f"techmap -autoproc -map {file.name}" for file in multiply_maps(device)]
    command = " ".join((*device.synth_command, *options, "-top", top))
    whole = f"{command} -json netlist.json"
    if boxes := _carry_boxes(device):
        return [_HIDE_PARTS, *maps, f"{command} -run begin:map_luts", *_opaque(boxes),
                f"{whole} -run map_luts:"]
    if not device.totals.get("ICESTORM_DSP"):
        return [_HIDE_PARTS, *maps, whole]
    return [_HIDE_PARTS, *maps, f"{command} -run begin:coarse", *_NARROW, *_MULTIPLIERS,
            f"{whole} -run coarse:"]


def _opaque(boxes) -> list[str]:
    """Commands that put what is told of cells in the place of what yosys's library says of them."""
    commands = []
    for file in boxes:
        cells = re.findall(r"^module (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        commands += [f"delete {' '.join(f'={cell}' for cell in cells)}",
                     f"read_verilog -lib -specify {file.name}"]
    return commands
