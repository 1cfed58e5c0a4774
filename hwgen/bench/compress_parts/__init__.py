"""Parts of the benchmark of compression methods; see :mod:`hwgen.bench.binary_parts`.

A new method is one file: a table ``WORKS`` of :class:`~hwgen.bench.compress_parts.work.Work`, with
``KEY``, ``inputs``, ``lacking`` and ``measure`` as the others have them; and a line here.
"""

from . import deep, deep_fashion, surgery

__all__ = ["PARTS"]

PARTS = {"deep-compression": deep, "surgery": surgery, "deep-compression-fashion": deep_fashion}
"""Name -> module, in the order of the table."""
