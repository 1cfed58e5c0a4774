"""Compression methods on the same networks: error, exact bits, ratio."""

from pathlib import Path

from .compress_parts import PARTS
from .frame.parts import run_documented
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


def run(progress, *, parts=(), data=None) -> list[Row]:
    """Rows of ``parts``, by default of all, and then, with ``data``, as a document too.

    See :func:`hwgen.bench.frame.parts.run_documented`.
    """
    return run_documented(NAME, PARTS, TEXT, progress, folder=FOLDER, written=DOCUMENT, parts=parts,
                          data=data, needs_data=True)
