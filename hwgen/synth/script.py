"""The yosys script of a job: from sources to ``netlist.json``."""

from pathlib import Path

from hwgen.emit.verilog import CHAIN_CELLS, MULTIPLY_CELLS

__all__ = ["chain_maps", "multiply_maps", "netlist_commands"]

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


def chain_maps(device) -> tuple[Path, ...]:
    """Files that say what carry-chain pieces are built of, to be put beside the sources.

    First that of the family, if it has one (``techmap/chain_ecp5.v``); last what the pieces
    compute, for those that are left.
    """
    family = Path(__file__).with_name("techmap") / f"chain_{device.family}.v"
    return (family, CHAIN_CELLS) if family.is_file() else (CHAIN_CELLS,)


def multiply_maps(device) -> tuple[Path, ...]:
    """The same for multipliers, which a family has a file for and a device blocks."""
    family = Path(__file__).with_name("techmap") / f"multiply_{device.family}.v"
    has_blocks = family.is_file() and device.totals.get(device.tools.dsp)
    return (family, MULTIPLY_CELLS) if has_blocks else (MULTIPLY_CELLS,)


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
    if not device.totals.get("ICESTORM_DSP"):
        return [_HIDE_PARTS, *maps, whole]
    return [_HIDE_PARTS, *maps, f"{command} -run begin:coarse", *_NARROW, *_MULTIPLIERS,
            f"{whole} -run coarse:"]
