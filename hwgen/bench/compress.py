"""Compression methods on the same networks: error, exact bits, ratio."""

from pathlib import Path

from .compress_parts import PARTS, pivot
from .frame.parts import listed, origin, run_documented
from .frame.row import Row

__all__ = ["DESCRIPTION", "NAME", "PARTS", "run"]

NAME = "compress"
DESCRIPTION = "compression methods on LeNets: error, exact bits, ratio; docs/compress-bench.md"

FOLDER, DOCUMENT = Path("rtl_out/bench/compress"), Path("docs/compress-bench.md")

TEXT = """\
# Compression methods, measured

Written by `hwgen bench compress --data FOLDER`; `--part NAME` measures one part alone. FOLDER holds
the four IDX files of MNIST, or folders `mnist` and `fashion-mnist` with four each. `must` and
`stretch` are what we ask of ourselves, `published` what the papers report of the same network.

Networks are trained from random weights by the recipe of each row (`hwgen/bench/compress_parts`),
with images moved by one pixel now and then; settings were chosen on 5,000 held-back training
samples, and the test set is seen once, after the last step. Errors are those of the exact integer
network, evaluated by golden, which agrees with torch on every score. Bits are all that must be
stored: weights, indices, padding, codebooks, code tables, biases; the ratio is against all
parameters in 32 bits. An interrupted run goes on from its checkpoints.

"""


METHODS = """
## Every method

Each starts from the same float network, trained for 12 epochs, and trains 8 to 10 more with the
settings that all share: not what is best for each, and no paper's. Matrices that no core multiplies
in their own form (circulant, hashed, tensor trains ...) run on a dense one; their bits are those of
what they are made of. `fewer weights` is how many entries the float network's matrices have for
each one that is not 0 in those that are multiplied with: below 1 for factors that are larger.
Hardware is the whole design for an ULX3S-85F with the link to its host, each network planned for
the same interval; 200 test images went through its Verilog.

![error against bits and LUTs](compress-methods.svg)

"""


def run(progress, *, parts=(), data=None) -> list[Row]:
    """Rows of ``parts``, by default of all, and then, with ``data``, as a document too.

    See :func:`hwgen.bench.frame.parts.run_documented`.
    """
    rows = run_documented(NAME, PARTS, TEXT, progress, folder=FOLDER, written=DOCUMENT, parts=parts,
                          data=data, needs_data=True, compose=_document)
    if not parts and data is not None:
        pivot.draw(rows, DOCUMENT.with_name("compress-methods.svg"))
    return rows


def _document(text, rows, left_out) -> str:
    """The works that have bounds row by row, then each method as a line."""
    lines = {name for works in pivot.found(rows).values() for name in works}
    rest = [row for row in rows if row.work not in lines]
    return f"{listed(text, rest, left_out)}{METHODS}{pivot.table(rows)}\n\n{origin(rows)}\n"
