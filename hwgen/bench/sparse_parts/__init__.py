"""Parts of the benchmark of sparse cores; see :mod:`hwgen.bench.binary_parts`."""

from . import (
    against_dense,
    balanced,
    eie,
    eie_ecp5,
    fifo,
    lenet,
    lenet_ecp5,
    permuted,
    simulated,
    spmv,
    spmv_ecp5,
    spots,
)

__all__ = ["PARTS"]

PARTS = {"eie": eie, "simulated": simulated, "balanced": balanced, "permuted": permuted,
         "fifo": fifo, "spots": spots, "against-dense": against_dense, "spmv": spmv,
         "spmv-ecp5": spmv_ecp5,
         "lenet": lenet, "lenet-ecp5": lenet_ecp5, "eie-ecp5": eie_ecp5}
"""Name -> module, in the order of the table."""
