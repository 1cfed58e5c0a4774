"""Who may import whom: the table of docs/architecture.md, held by walking every import.

An import counts wherever it stands, also inside a function and as ``import_module("...")``.
"""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Folders that are installed under another name than they have in the repository.
FOLDERS = {"hwgen": "hwgen", "hwgen.board_targets": "board_targets", "hwgen.tb": "tb"}

LOW = {"ir", "numeric"}
EMITTED = LOW | {"golden", "plan", "toolchain"}
BELOW_FLOW = EMITTED | {"compress", "rtl", "emit", "verify", "synth", "host", "board_targets"}

# Package -> what it may import of ours. A dotted entry allows that module alone.
OURS = {
    "numeric": set(),
    "ir": {"numeric"},
    "golden": LOW,
    "compress": LOW | {"golden"},
    "plan": LOW,
    "toolchain": {"numeric.errors"},
    "rtl": LOW | {"plan"},
    "emit": EMITTED | {"rtl", "host.systolic", "host.spmv", "host.spmv_frames", "host.csr",
                       "host.engine_bytes", "host.eie", "host.eie_layer"},
    "verify": EMITTED | {"emit"},
    "synth": (EMITTED | {"emit"}) - {"golden"},
    "host": {"numeric"},
    "board_targets": {"rtl", "emit", "plan", "synth", "numeric.errors"},
    "tb": set(),
    "flow": BELOW_FLOW,
    "bench": BELOW_FLOW | {"flow", "report", "cli"},
    "report": BELOW_FLOW | {"flow", "bench", "cli"},
    "cli": BELOW_FLOW | {"flow", "bench", "report"},
    "__init__": {"compress", "flow", "plan", "report"},
    "__main__": {"cli"},
}

# Package -> all it may import of others; a package that is not named may import what is declared.
OTHERS = {
    "numeric": {"numpy"},
    "ir": {"numpy"},
    "golden": {"numpy"},
    "plan": {"numpy"},
    "tb": {"numpy", "cocotb", "cocotb_tools", "cocotbext"},
}

# What only the named packages may import.
RESERVED = {
    "torch": {"compress"},
    "amaranth": {"rtl", "board_targets"},
    "amaranth_boards": {"board_targets"},
    "serial": {"host"},
    "optuna": {"compress"},
}

# Import name of a distribution, where it is not the distribution's own name.
IMPORT_NAMES = {
    "scikit-learn": "sklearn",
    "pyserial": "serial",
    "cocotbext-axi": "cocotbext",
    "cocotbext-uart": "cocotbext",
}


def modules(root):
    """Yield ``(dotted name, file, is it a package)`` of all our modules below `root`."""
    for package, folder in FOLDERS.items():
        for path in sorted((root / folder).rglob("*.py")):
            inner = path.relative_to(root / folder).with_suffix("").parts
            is_package = inner[-1] == "__init__"
            yield ".".join([package, *inner[: -1 if is_package else None]]), path, is_package


def imported(tree, name, is_package):
    """Yield ``(line, dotted name, is it relative)`` of each import of module `name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, False
        elif isinstance(node, ast.ImportFrom):
            base = [] if node.level == 0 else name.split(".")
            if node.level > 0:
                base = base[: len(base) - node.level + is_package]
            base += node.module.split(".") if node.module else []
            # `from hwgen import plan` names a package, not a thing inside of one.
            for alias in node.names:
                parts = [*base, alias.name] if base == ["hwgen"] else base
                yield node.lineno, ".".join(parts), node.level > 0
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield node.lineno, argument.value, False


def declared(root):
    """Names that the distributions in pyproject.toml are imported by."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = set()
    extras = project["optional-dependencies"]
    for requirement in project["dependencies"] + extras["peers"] + extras["search"]:
        distribution = requirement.split(">")[0].split("<")[0].split("=")[0].strip()
        names.add(IMPORT_NAMES.get(distribution, distribution.replace("-", "_")))
    return names | {"cocotb_tools"}  # a second package of cocotb's


def package_of(name):
    """``rtl`` for ``hwgen.rtl.core``; ``__init__`` for ``hwgen`` itself."""
    return name.split(".")[1] if "." in name else "__init__"


def fault(package, target, known):
    """Say what is wrong with `package` importing `target`; None when nothing is."""
    top = target.split(".")[0]
    if top == "hwgen":
        other, inner = package_of(target), target.split(".", 1)[-1]
        # A bench is copied into the artefact, where its folder has no such name.
        if other in (package, "__init__") and package != "tb":
            return None
        if any(inner == entry or inner.startswith(f"{entry}.") for entry in OURS.get(package, ())):
            return None
        return f"{package} must not import {target}"
    if top in sys.stdlib_module_names:
        return None
    if package not in RESERVED.get(top, {package}):
        return f"{top} must be imported in {sorted(RESERVED[top])} only"
    if top not in known:
        return f"{top} must be declared in pyproject.toml"
    if top not in OTHERS.get(package, known):
        return f"{package} must not import {top}"
    return None


def violations(root, known):
    """List each import below `root` that the tables do not allow, as ``file:line: reason``."""
    found = []
    for name, path, is_package in modules(root):
        package, where = package_of(name), path.relative_to(root).as_posix()
        if package not in OURS:
            found.append(f"{where}: {name} must be a package of the table")
        tree = ast.parse(path.read_text(encoding="utf-8"), where)
        # The benches find each other beside them, wherever they are copied to.
        beside = {other.stem for other in path.parent.glob("*.py")} if package == "tb" else set()
        for line, target, is_relative in imported(tree, name, is_package):
            if target in beside or (is_relative and package_of(target) == package):
                continue
            if reason := fault(package, target, known):
                found.append(f"{where}:{line}: {reason}")
    return sorted(set(found))


def test_imports_follow_the_table():
    assert violations(ROOT, declared(ROOT)) == []


def test_table_names_what_there_is():
    there = {package_of(name) for name, _, _ in modules(ROOT)}
    assert there | {"__main__"} == set(OURS) | {"__main__"}


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("hwgen/ir/a.py", "import hwgen.golden", "1: ir must not import hwgen.golden"),
        ("hwgen/ir/a.py", "from hwgen import plan", "1: ir must not import hwgen.plan"),
        ("hwgen/ir/a.py", "from ..rtl import x", "1: ir must not import hwgen.rtl"),
        ("hwgen/ir/a.py", "from .. import rtl", "1: ir must not import hwgen.rtl"),
        ("hwgen/ir/nodes/a.py", "from ...rtl import x", "1: ir must not import hwgen.rtl"),
        ("hwgen/ir/__init__.py", "from ..rtl import x", "1: ir must not import hwgen.rtl"),
        (
            "hwgen/golden/a.py",
            "def f():\n    from hwgen.rtl.core import x",
            "2: golden must not import hwgen.rtl.core",
        ),
        (
            "hwgen/rtl/a.py",
            'import importlib\nimportlib.import_module("hwgen.golden")',
            "2: rtl must not import hwgen.golden",
        ),
        (
            "hwgen/toolchain/a.py",
            "from hwgen.numeric import Fixed",
            "1: toolchain must not import hwgen.numeric",
        ),
        ("hwgen/flow/a.py", "import hwgen.cli", "1: flow must not import hwgen.cli"),
        ("hwgen/flow/a.py", "import torch", "1: torch must be imported in ['compress'] only"),
        (
            "hwgen/emit/a.py",
            "from amaranth.back import verilog",
            "1: amaranth must be imported in ['board_targets', 'rtl'] only",
        ),
        ("hwgen/ir/a.py", "import rich", "1: ir must not import rich"),
        ("hwgen/cli.py", "import yaml", "1: yaml must be declared in pyproject.toml"),
        ("board_targets/a.py", "import hwgen.cli", "1: board_targets must not import hwgen.cli"),
        ("board_targets/a.py", "import torch", "1: torch must be imported in ['compress'] only"),
        ("tb/a.py", "from hwgen.numeric import Fixed", "1: tb must not import hwgen.numeric"),
        ("tb/a.py", "import hwgen.tb.b", "1: tb must not import hwgen.tb.b"),
        ("tb/a.py", "import matplotlib", "1: tb must not import matplotlib"),
    ],
)
def test_violation_is_reported(tmp_path, path, source, expected):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(source, encoding="utf-8")
    assert violations(tmp_path, declared(ROOT)) == [f"{path}:{expected}"]


def test_package_outside_the_table_is_reported(tmp_path):
    (tmp_path / "hwgen").mkdir()
    (tmp_path / "hwgen" / "extras.py").write_text("", encoding="utf-8")
    expected = ["hwgen/extras.py: hwgen.extras must be a package of the table"]
    assert violations(tmp_path, declared(ROOT)) == expected


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("hwgen/ir/a.py", "from ..numeric.errors import SpecError\nimport numpy, os.path"),
        ("hwgen/ir/nodes/a.py", "from ..base import Node\nfrom . import b"),
        ("hwgen/toolchain/a.py", "from ..numeric.errors import SpecError"),
        ("hwgen/compress/a.py", "import torch.nn.functional as F"),
        ("hwgen/rtl/a.py", "from amaranth import Module\nfrom hwgen.plan import Design"),
        ("board_targets/a.py", "from amaranth_boards import ulx3s\nfrom . import base"),
        ("tb/a.py", "import cocotb\nimport b\nfrom .b import x"),
    ],
)
def test_allowed_import_is_not_reported(tmp_path, path, source):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(source, encoding="utf-8")
    file.with_name("b.py").write_text("x = 1", encoding="utf-8")
    assert violations(tmp_path, declared(ROOT)) == []


def run_python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_import_hwgen_loads_neither_torch_nor_amaranth():
    code = "import hwgen, sys; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(run_python(code))
    assert "hwgen" in loaded
    assert not loaded & {"torch", "amaranth", "numpy"}


def test_network_and_golden_load_neither_torch_nor_amaranth():
    code = (
        "import hwgen.ir, hwgen.golden, hwgen.plan, sys;"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert not set(run_python(code)) & {"torch", "amaranth"}
