"""Small scripts that stand for tools, and fail in the ways that tools do."""

import sys
from pathlib import Path
from textwrap import dedent

from hwgen.toolchain import ToolInfo

__all__ = ["fake_info", "fake_tool"]

_HEAD = f"""\
#!{sys.executable}
import json, os, subprocess, sys, time
from pathlib import Path
"""


def fake_tool(folder, name, body):
    """Write a program of that name into a folder; `body` is Python."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(_HEAD + dedent(body))
    path.chmod(0o755)
    return path


def fake_info(folder, body, *, name="yosys", kind="native"):
    """Write such a program and describe it, as `find` would."""
    path = fake_tool(folder, name, body)
    return ToolInfo(name=name, kind=kind, path=str(path), version="1.0")
