"""Parts of the benchmark of binarised cores, one file each.

A part is a module with ``KEY`` (numbers that decide its result, JSON-ready), ``lacking(bench)``
(what it needs and is not there, as a text; None if all is) and ``measure(bench)`` (its rows). It
may have ``inputs(bench)``, what else decides them, JSON-ready.
"""

from . import (
    accuracy,
    cnv,
    generation,
    interval,
    lfc_ecp5,
    lfc_xilinx,
    lut_per_xnor,
    mnist_rtl,
    mnist_up5k,
    sfc_xilinx,
    tfc_ecp5,
    tfc_unrolled,
)

__all__ = ["PARTS"]

PARTS = {
    "interval": interval,
    "lut-per-xnor": lut_per_xnor,
    "sfc-xilinx": sfc_xilinx,
    "lfc-xilinx": lfc_xilinx,
    "tfc-ecp5": tfc_ecp5,
    "lfc-ecp5": lfc_ecp5,
    "mnist-up5k": mnist_up5k,
    "tfc-unrolled": tfc_unrolled,
    "generation": generation,
    "accuracy": accuracy,
    "mnist-rtl": mnist_rtl,
    "cnv": cnv,
}
"""Name -> module, in the order of the table."""
