"""A workplace whose tools are stand-ins."""

import os

import pytest
from synth.standins import ECP5, VERSION, WORKING
from toolchain.faketools import fake_tool

from hwgen.synth import SynthJob


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Put working stand-ins on PATH; give a function that replaces one."""
    folder = tmp_path / "bin"

    def install(name, body):
        return fake_tool(folder, name, VERSION + body)

    for name, body in WORKING.items():
        install(name, body)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("HWGEN_NATIVE_TOOLS", "1")
    return install


@pytest.fixture
def job(tmp_path):
    def make(**changes):
        for name in ("top.v", "pins.lpf", "pins.pcf"):
            (tmp_path / name).write_text(name)
        device = changes.get("device", ECP5)
        pins = tmp_path / f"pins{device.tools.constraint_suffix}"
        given = {"sources": [tmp_path / "top.v"], "constraints": pins, "device": ECP5}
        return SynthJob(**{**given, "top": "top", "clock_mhz": 25, **changes})

    return make
