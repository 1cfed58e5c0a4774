"""The compiled form of the WebAssembly tools, kept per user and made on first use."""

import hashlib
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from hwgen.toolchain.errors import ToolError
from hwgen.toolchain.runner import compiling, execute
from hwgen.toolchain.tools import TOOLS, find

__all__ = ["is_warm", "warm_up"]


def is_warm(info):
    """Whether a tool starts at once, and need not compile itself first.

    Parameters
    ----------
    info : ToolInfo

    Returns
    -------
    bool
        True for a native tool. Only the file is looked for, so a cache written by another version
        of the runtime, which recompiles, still counts.
    """
    return info.kind != "yowasp" or _cache_file(info).is_file()


def warm_up(names=None, *, progress=None, prefer_native=None):
    """Compile the WebAssembly tools that have not been compiled yet.

    Parameters
    ----------
    names : sequence of str, optional
        Of :data:`TOOLS`; by default all that come as WebAssembly.
    progress : callable(str), optional
        Called with one line for each tool that begins.
    prefer_native : bool or None
        As in :func:`find`; native tools need no compiling.

    Returns
    -------
    dict of str to float
        Seconds it took, for each tool that was compiled.

    Raises
    ------
    ToolError
        If a tool is missing, or still is not compiled afterwards.
    """
    if names is None:
        names = [tool.name for tool in TOOLS.values() if tool.wasm]
    seconds = {}
    for name in names:
        info = find(name, prefer_native=prefer_native)
        if not is_warm(info):
            seconds[name] = _compile(info, progress)
    return seconds


def _compile(info, progress):
    def only_ours(line):
        if progress is not None and line == compiling(info):
            progress(line)

    # Asking for the version, or for help, which some of them end with status 1.
    with tempfile.TemporaryDirectory() as folder:
        args = TOOLS[info.name].version_args
        done = execute(info, args, cwd=folder, log="log", progress=only_ours)
    if not is_warm(info):
        raise ToolError(
            f"{info.name} must be compiled in {_cache_file(info)} after its first use, and is not",
            command=done.command,
            returncode=done.returncode,
            tail=done.tail,
        )
    return done.seconds


def _cache_file(info):
    """Where the runtime keeps the compiled form: named by package, module and digest."""
    tool = TOOLS[info.name]
    package = tool.package.replace("-", "_")
    [folder] = find_spec(package).submodule_search_locations
    digest = hashlib.sha1((Path(folder) / tool.wasm).read_bytes()).hexdigest()
    return _cache_folder() / package / tool.wasm / digest


def _cache_folder():
    folder = os.environ.get("YOWASP_CACHE_DIR")
    if folder is not None:
        return Path(folder)
    import platformdirs  # a dependency of the tools' runtime, so it is there when they are

    return Path(platformdirs.user_cache_dir("YoWASP", appauthor=False))
