"""Parts of the benchmark of compression methods; see :mod:`hwgen.bench.binary_parts`.

A new method is one file: a table ``WORKS`` of :class:`~hwgen.bench.compress_parts.work.Work`, and
the three functions that :func:`~hwgen.bench.compress_parts.work.part` makes of it.
"""

from . import deep, surgery

__all__ = ["PARTS"]

PARTS = {"deep-compression": deep, "surgery": surgery}
"""Name -> module, in the order of the table."""
