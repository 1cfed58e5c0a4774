"""Finding and running the external tools: synthesis, place and route, simulators, compilers.

========================= ========================================================================
:func:`find`              one tool: of a package in this environment, or a native one on PATH
:func:`environment`       the environment in which simulators and Amaranth find the same tools
:func:`run`               run a tool, with a log, progress, a time limit, and errors that say it all
:func:`is_warm`           whether a WebAssembly tool has been compiled for this machine already
:func:`warm_up`           compile those that have not
:func:`inspect`           everything that is there and what to do about what is not
========================= ========================================================================
"""

from hwgen.toolchain.cache import is_warm, warm_up
from hwgen.toolchain.doctor import ToolStatus, inspect
from hwgen.toolchain.errors import ToolError
from hwgen.toolchain.runner import ToolRun, run
from hwgen.toolchain.tools import TOOLS, ToolInfo, environment, find

__all__ = [
    "TOOLS",
    "ToolError",
    "ToolInfo",
    "ToolRun",
    "ToolStatus",
    "environment",
    "find",
    "inspect",
    "is_warm",
    "run",
    "warm_up",
]
