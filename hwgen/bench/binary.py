"""The binarised cores' requirements as rows, part by part."""

from pathlib import Path

from hwgen.numeric import SpecError

from .binary_parts import PARTS, Bench
from .frame.row import Row

__all__ = ["DESCRIPTION", "NAME", "PARTS", "run"]

NAME = "binary"
DESCRIPTION = "binarised cores: intervals, LUTs, clocks, seconds, accuracy, beside published ones"

FOLDER = Path("rtl_out/bench/binary")


def run(progress, *, parts=(), data=None) -> list[Row]:
    """Rows of ``parts``, by default of all; of those that are done already the kept ones.

    Parameters
    ----------
    progress : callable(step, fraction, text)
    parts : sequence of str      of :data:`PARTS`
    data : path, optional        folder of the MNIST files, which some parts need

    A part is done again when its code or its inputs change; what it has synthesised stays of use.
    Where all parts are asked for, those whose inputs are missing are left out, said so.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise SpecError(f"part of benchmark '{NAME}' must be one of {', '.join(PARTS)},"
                        f" not {unknown[0]!r}")
    bench = Bench(FOLDER, progress=progress, data=data)
    rows = []
    for name in parts or PARTS:
        part = PARTS[name]
        lacking = part.lacking(bench)
        if lacking and parts:
            raise SpecError(f"part '{name}' must have {lacking}")
        if lacking:
            progress(f"bench {NAME}: {name}", 1.0, f"left out: it must have {lacking}")
            continue
        rows += bench.rows(name, part)
    return rows
