"""Parts of the benchmark of sparse cores; see :mod:`hwgen.bench.binary_parts`."""

from . import balanced, eie, fifo, permuted, simulated

__all__ = ["PARTS"]

PARTS = {"eie": eie, "simulated": simulated, "balanced": balanced, "permuted": permuted,
         "fifo": fifo}
"""Name -> module, in the order of the table."""
