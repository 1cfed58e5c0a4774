"""What is installed, what it is for, and what to do about what is missing."""

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata

from hwgen.toolchain.cache import is_warm
from hwgen.toolchain.errors import ToolError
from hwgen.toolchain.tools import TOOLS, find, program_version

__all__ = ["ToolStatus", "inspect"]

_MIN_PYTHON = (3, 11)

_PACKAGES = {
    "amaranth": "the hardware language",
    "amaranth-boards": "pins and clocks of the boards",
    "numpy": "exact integer arithmetic of the golden model",
    "torch": "training and compression",
    "scikit-learn": "the handwritten digits of the demo",
    "cocotb": "test benches in Python",
    "cocotbext-axi": "AXI4-Stream models of the benches",
    "cocotbext-uart": "UART model of the simulated boards",
    "matplotlib": "plots of the report",
    "typer": "the commands",
    "rich": "progress bars and tables",
    "pyserial": "talking to a board",
}

_SYSTEM = {
    "g++": "compiles what Verilator writes",
    "make": "builds what Verilator writes",
    "perl": "Verilator's own script is written in it",
}

_OPTIONAL = ("iverilog",)


@dataclass(frozen=True, kw_only=True)
class ToolStatus:
    """One thing that hwgen uses, and whether it is there.

    Parameters
    ----------
    name : str
    kind : str
        'python', 'package' (of Python), 'tool' or 'system'.
    purpose : str
        What it is for.
    found, required : bool
    version, path : str
        Empty if not found (`path` for packages too). For tools the version says the kind, such as
        '0.69 (yowasp)'.
    warm : bool or None
        For a WebAssembly tool, whether it has been compiled already.
    advice : str
        What to do; empty if there is nothing to do.
    """

    name: str
    kind: str
    purpose: str
    found: bool
    required: bool = True
    version: str = ""
    path: str = ""
    warm: bool | None = None
    advice: str = ""

    @property
    def ok(self):
        """Whether nothing that is required is missing."""
        return self.found or not self.required


def inspect(*, prefer_native=None):
    """Look at everything that hwgen uses; runs only programs that print their version.

    Parameters
    ----------
    prefer_native : bool or None
        As in :func:`hwgen.toolchain.find`.

    Returns
    -------
    list of ToolStatus
        Python, its packages, the tools, the programs of the system, in this order.
    """
    return [
        _python(),
        *(_package(name, purpose) for name, purpose in _PACKAGES.items()),
        *(_tool(tool, prefer_native) for tool in TOOLS.values()),
        *(_system(name, purpose) for name, purpose in _SYSTEM.items()),
    ]


def _python():
    found = sys.version_info >= _MIN_PYTHON
    wanted = ".".join(map(str, _MIN_PYTHON))
    return ToolStatus(
        name="python",
        kind="python",
        purpose="runs hwgen",
        found=found,
        version=platform.python_version(),
        path=sys.executable,
        advice="" if found else f"use Python {wanted} or later",
    )


def _package(name, purpose):
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        advice = f"pip install {name}"
        return ToolStatus(
            name=name, kind="package", purpose=purpose, found=False, advice=advice
        )
    return ToolStatus(name=name, kind="package", purpose=purpose, found=True, version=version)


def _tool(tool, prefer_native):
    common = {
        "name": tool.name,
        "kind": "tool",
        "purpose": tool.purpose,
        "required": tool.name not in _OPTIONAL,
    }
    try:
        info = find(tool.name, prefer_native=prefer_native)
    except ToolError:
        return ToolStatus(**common, found=False, advice=tool.advice)
    warm = is_warm(info) if info.kind == "yowasp" else None
    advice = f"compiles itself on first use, up to about {tool.compile_s} s"
    return ToolStatus(
        **common,
        found=True,
        version=f"{info.version} ({info.kind})",
        path=info.path,
        warm=warm,
        advice=advice if warm is False else "",
    )


def _system(name, purpose):
    path = shutil.which(name)
    if path is None:
        advice = f"install {name} with the package manager of the system"
        return ToolStatus(name=name, kind="system", purpose=purpose, found=False, advice=advice)
    return ToolStatus(
        name=name,
        kind="system",
        purpose=purpose,
        found=True,
        version=program_version([path, "--version"]),
        path=path,
    )
