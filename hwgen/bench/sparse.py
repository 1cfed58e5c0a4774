"""The sparse core's requirements as rows, part by part."""

from pathlib import Path

from .frame.parts import run_documented
from .frame.row import Row
from .sparse_parts import PARTS
from .sparse_parts.plots import draw, draw_densities

__all__ = ["DESCRIPTION", "NAME", "PARTS", "run"]

NAME = "sparse"
DESCRIPTION = "the sparse core on EIE's nine layers: cycles, balance, FIFOs; docs/sparse.md"

FOLDER, DOCUMENT = Path("rtl_out/bench/sparse"), Path("docs/sparse.md")

TEXT = """\
# The sparse core, measured

Written by `hwgen bench sparse`; `--part NAME` measures one part alone. `must` is what we ask of
ourselves, `stretch` what would be better still, `published` what EIE (arXiv 1602.01528) reports.

The nine layers have EIE's sizes and densities. Which weights and activations are not zero is
random, each with the same chance: no trained weights are behind it. 64 processing elements, FIFOs
of 8 columns in front of each, up to 8 activations looked at side by side. Cycles are those of the
exact cycle model, from the first activation of a lone vector to the cycle in which its results may
be read; the model is compared with the hardware, cycle by cycle, in the tests, and here on whole
layers. Times are cycles at EIE's 800 MHz, which no FPGA here reaches: they compare cycles, not
chips. EIE counts padding as work, and so does its theoretical time.

Load balance is the share of the elements' cycles in which one works on an entry. As many
nonzeros in each element: of the whole matrix, as step `prune-balanced` leaves them (ESE), or of
each column, as it does with `per = "column"`.

![load balance](sparse-fifo.svg)

The sparse core against the folded one with as many multipliers, on one matrix of 8 bits for each
device: 256x128 on an ECP5-85, 64x64 on an UP5K. No activation is zero, which is the sparse core's
worst case; rows are dealt out as the planner does it in a hidden layer, and storage is what the
planner takes, with FIFOs of 8. Placed are the dense core and the sparse one at 10 %, whose clocks
stand for all densities; cells of others are those of netlists. Even is the density at which both
take as long at these clocks (dashed), and at which time times LUTs is the same (dotted).

![densities](sparse-density.svg)

LeNet-300-100 is trained: pruned, its weights shared and coded as Deep Compression (arXiv
1510.00149) does, with codes of 6 bits and indices of 5, and as EIE has it, 4 and 4. All layers run
on one EIE engine of 16 elements, and as a pipeline of a sparse core for each, of 16, 16 and 10
elements, 4 activations side by side. Bits are those of the compression's account (the step `code`
with `pe = 16`) and, beside them, those of the memories: equal, part by part. In the pipeline a
layer's codes have the bits that its own values need: 5 in `fc3` of the first form, which has 32.
What Huffman codes take is what the engine is sent: it decodes them when weights are loaded, on chip
they are plain. Pointers are what skipped zeros cost: the form of Deep Compression, to be
read from front to back, has none. The engine's memories are counted as far as layers fill them.
Epochs and densities were fixed before, and the test images looked at once. The part needs `--data`
with the MNIST files; networks and recipes are in `networks/deep`, and made again by

    hwgen compress networks/deep/lenet300.py --recipe networks/deep/lenet300-6-5.toml --data DATA

The pipeline of EIE's widths is placed and routed (`--part lenet-ecp5`); of the other form cells are
counted. The slowest path is that from the queue in front of `fc2`, whose block RAM takes 5.6 ns,
through the search for the next activation that is not 0 to the columns that have entries.

"""


def run(progress, *, parts=(), data=None) -> list[Row]:
    """Rows of ``parts``, by default of all, and then as a document too.

    Parts that need ``data`` are left out without it.

    See :func:`hwgen.bench.frame.parts.run_documented`.
    """
    rows = run_documented(NAME, PARTS, TEXT, progress, folder=FOLDER, written=DOCUMENT, parts=parts,
                          data=data)
    if not parts:
        draw(rows, DOCUMENT.with_name("sparse-fifo.svg"))
        draw_densities(rows, DOCUMENT.with_name("sparse-density.svg"))
    return rows
