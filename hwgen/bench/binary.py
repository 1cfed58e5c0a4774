"""The binarised cores' requirements as rows, part by part."""

from pathlib import Path

from hwgen.numeric import SpecError

from .binary_parts import PARTS, Bench
from .binary_parts.document import document
from .frame.row import Row

__all__ = ["DESCRIPTION", "NAME", "PARTS", "run"]

NAME = "binary"
DESCRIPTION = "binarised cores beside published ones: cycles, cells, clocks; docs/binary.md"

FOLDER, DOCUMENT = Path("rtl_out/bench/binary"), Path("docs/binary.md")


def run(progress, *, parts=(), data=None) -> list[Row]:
    """Rows of ``parts``, by default of all; of those that are done already the kept ones.

    Parameters
    ----------
    progress : callable(step, fraction, text)
    parts : sequence of str      of :data:`PARTS`
    data : path, optional        folder of the MNIST files, which some parts need

    A part is done again when its code or its inputs change; what it has synthesised stays of use.
    Where all parts are asked for, those that lack something are left out, said so; with the data
    given, the rows are then written as a document too, with what was left out.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise SpecError(f"part of benchmark '{NAME}' must be one of {', '.join(PARTS)},"
                        f" not {unknown[0]!r}")
    bench = Bench(FOLDER, progress=progress, data=data)
    rows, left_out = [], {}
    for name in parts or PARTS:
        part = PARTS[name]
        lacking = part.lacking(bench)
        if lacking and parts:
            raise SpecError(f"part '{name}' must have {lacking}")
        if lacking:
            progress(f"bench {NAME}: {name}", 1.0, f"left out: it must have {lacking}")
            left_out[name] = lacking
            continue
        rows += bench.rows(name, part)
    if data is not None and not parts:
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(document(rows, left_out), encoding="utf-8")
        progress(f"bench {NAME}", 1.0, f"{len(rows)} rows; table in {DOCUMENT}")
    return rows
