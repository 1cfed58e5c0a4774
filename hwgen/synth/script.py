"""The yosys script of a job: from sources to ``netlist.json``."""

__all__ = ["netlist_commands"]

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


def netlist_commands(device, top: str, options=()) -> list[str]:
    """Yosys commands that synthesise what has been read.

    Parameters
    ----------
    device : Device
    top : str
    options : sequence of str
        Further words for the synth command.
    """
    command = " ".join((*device.synth_command, *options, "-top", top))
    whole = f"{command} -json netlist.json"
    if not device.totals.get("ICESTORM_DSP"):
        return [_HIDE_PARTS, whole]
    return [_HIDE_PARTS, f"{command} -run begin:coarse", *_NARROW, *_MULTIPLIERS,
            f"{whole} -run coarse:"]
