"""Measurements: each benchmark is one file here, with ``NAME``, ``DESCRIPTION`` and ``run``.

``run(progress)`` returns a list of :class:`Row`; ``hwgen bench NAME`` prints them and writes
``rtl_out/bench/NAME.json``. A new benchmark is one new file and nothing else.
"""

from .frame.markdown import markdown
from .frame.record import write_rows
from .frame.registry import load, names
from .frame.row import Row
from .frame.table import table

__all__ = ["Row", "load", "markdown", "names", "table", "write_rows"]
