"""Objects of the simulator's own sources are compiled once."""

import shutil

import pytest

from hwgen.tb import object_cache

pytestmark = pytest.mark.cosim


@pytest.fixture
def sources(tmp_path, monkeypatch):
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.h").write_text("#define A 1\n")
    (tmp_path / "lib" / "a.cpp").write_text('#include "a.h"\nint a() { return A; }\n')
    (tmp_path / "own.cpp").write_text("int own() { return 2; }\n")
    return tmp_path


def kept(folder):
    return sorted(path.name for path in (folder / "cache" / "objects").glob("*.o"))


def compile_library(folder):
    command = ["c++", "-I.", "-MMD", "-c", "-o", "a.o", str(folder / "lib" / "a.cpp")]
    (folder / "a.o").unlink(missing_ok=True)
    assert object_cache.main(command) == 0
    return (folder / "a.o").read_bytes()


def test_library_is_compiled_once_and_again_when_a_header_changes(sources):
    first = compile_library(sources)
    [name] = kept(sources)
    (sources / "cache" / "objects" / name).write_bytes(b"from the cache")
    assert compile_library(sources) == b"from the cache"
    (sources / "lib" / "a.h").write_text("#define A 12345678\n")
    assert compile_library(sources) not in (first, b"from the cache")
    assert len(kept(sources)) == 2


def test_design_is_not_kept_and_failures_are_handed_on(sources):
    assert object_cache.main(["c++", "-c", "-o", "own.o", "own.cpp"]) == 0
    assert (sources / "own.o").is_file()
    assert object_cache.main(["c++", "-c", "own.cpp"]) == 0
    (sources / "lib" / "a.cpp").write_text("int a( {\n")
    assert object_cache.main(["c++", "-c", "-o", "a.o", str(sources / "lib" / "a.cpp")]) != 0
    assert not (sources / "cache").exists()


def test_objects_that_read_the_designs_headers_are_not_kept(sources):
    """The main program of cocotb includes ``Vtop.h``, whose size changes with the ports."""
    (sources / "lib" / "a.cpp").write_text('#include "top.h"\nint a() { return TOP; }\n')
    (sources / "top.h").write_text("#define TOP 1\n")
    first = compile_library(sources)
    (sources / "top.h").write_text("#define TOP 12345678\n")
    assert compile_library(sources) != first
    assert not (sources / "cache").exists()


def test_objects_whose_files_are_not_listed_are_not_kept(sources):
    assert object_cache.main(["c++", "-c", "-o", "a.o", str(sources / "lib" / "a.cpp")]) == 0
    assert not (sources / "cache").exists()


def test_cache_that_cannot_be_written_does_no_harm(sources):
    (sources / "cache").write_text("a file where the folder would be")
    assert compile_library(sources)


def test_folder_is_the_users_unless_told(monkeypatch, tmp_path):
    monkeypatch.delenv("HWGEN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert object_cache.folder() == tmp_path / "hwgen" / "objects"
    assert shutil.which("c++")
