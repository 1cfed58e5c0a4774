"""Parts of the benchmark of compression methods; see :mod:`hwgen.bench.binary_parts`.

A new method is one file with a :class:`~hwgen.bench.compress_parts.work.Part` or a few, and a line
here for each.
"""

from . import bnn, deep, low_bits, methods, surgery

__all__ = ["PARTS"]

PARTS = {"deep-compression": deep.MNIST, "surgery": surgery.MNIST,
         "low-bits": low_bits.MNIST, "bnn": bnn, "deep-compression-fashion": deep.FASHION,
         **methods.PARTS}
"""Name -> part, in the order of the table."""
