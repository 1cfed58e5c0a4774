"""Kept results: what runs again, what does not, and what a damaged file says."""

import json
import shutil
from pathlib import Path

import pytest
from cases.errors import refused

from hwgen.flow.steps import Steps, code_digest, digest_of
from hwgen.numeric import SpecError


class Job:
    """Steps in one file, as a program started anew would have them each time."""

    def __init__(self, path):
        self.path, self.told, self.calls = path, [], []

    def steps(self):
        return Steps(self.path, progress=lambda *state: self.told.append(state), name="net")

    def run(self, steps, step, key, result=None, **options):
        def function():
            self.calls.append(step)
            return {"step": step} if result is None else result

        return steps.run(step, key, function, **options)


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path / "deep" / "net.steps.json")


def test_a_result_is_kept_for_the_next_program(job):
    first = job.steps()
    assert job.run(first, "train", "k") == {"step": "train"}
    assert first.reused == []
    second = job.steps()
    assert job.run(second, "train", "k") == {"step": "train"}
    assert job.calls == ["train"]
    assert second.reused == ["train"]
    assert second.seconds == first.seconds
    assert job.told == [("net: train", 0.0, ""), ("net: train", 1.0, job.told[1][2]),
                        ("net: train", 1.0, "there already")]
    assert job.told[1][2].endswith(" s")


def test_another_key_runs_it_again_and_replaces_the_result(job):
    job.run(job.steps(), "train", "k", {"n": 1})
    assert job.run(job.steps(), "train", "other", {"n": 2}) == {"n": 2}
    assert job.run(job.steps(), "train", "other", {"n": 3}) == {"n": 2}
    assert job.run(job.steps(), "train", "k", {"n": 4}) == {"n": 4}
    assert job.calls == ["train"] * 3


def test_it_runs_again_where_a_needed_file_is_gone(job, tmp_path):
    made = tmp_path / "made"
    made.write_text("")
    job.run(job.steps(), "train", "k", needs=(made, tmp_path))
    job.run(job.steps(), "train", "k", needs=(made, tmp_path))
    assert job.calls == ["train"]
    made.unlink()
    job.run(job.steps(), "train", "k", needs=(made, tmp_path))
    assert job.calls == ["train", "train"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_step_leaves_the_earlier_ones(job, error):
    steps = job.steps()
    job.run(steps, "train", "k")

    def fail():
        raise error("stop")

    with pytest.raises(error, match=r"^stop$"):
        steps.run("generate", "k", fail)
    again = job.steps()
    job.run(again, "train", "k")
    job.run(again, "generate", "k")
    assert job.calls == ["train", "generate"]
    assert again.reused == ["train"]
    assert list(job.path.parent.iterdir()) == [job.path]


def test_a_result_that_is_no_json_keeps_the_file_as_it_was(job):
    job.run(job.steps(), "train", "k")
    before = job.path.read_text()
    with pytest.raises(TypeError, match=r"^Object of type set is not JSON serializable$"):
        job.run(job.steps(), "generate", "k", {"n": {1}})
    assert job.path.read_text() == before


def test_the_file_is_whole_or_the_old_one(job, monkeypatch):
    job.run(job.steps(), "train", "k")
    before = job.path.read_text()

    real = Path.write_text

    def full(self, text, **options):
        real(self, text[:10], **options)
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match=r"^no space left$"):
        job.run(job.steps(), "generate", "k")
    monkeypatch.undo()
    assert job.path.read_text() == before


def test_refuses_a_damaged_file(job):
    job.run(job.steps(), "train", "k")
    job.path.write_text(job.path.read_text()[:-3])
    with pytest.raises(SpecError) as caught:
        job.steps()
    try:
        json.loads(job.path.read_text())
    except ValueError as error:
        why = str(error)
    assert str(caught.value) == (f"{job.path}: must be JSON, damaged ({why}); delete it to run its"
                                 f" steps again")


@pytest.mark.parametrize("text", ["[]", "3", '{"train": 3}', '{"train": {"key": "k"}}'])
def test_refuses_a_file_of_something_else(job, text):
    job.path.parent.mkdir()
    job.path.write_text(text)
    with refused(SpecError, f"{job.path}: must hold the results of steps, and does not; delete it"
                            f" to run its steps again"):
        job.steps()


def test_digest_depends_on_every_part_and_not_on_the_order_of_names():
    assert digest_of({"a": 1, "b": 2}, 3) == digest_of({"b": 2, "a": 1}, 3)
    distinct = {digest_of(*parts) for parts in ((1,), (1, 1), ([1, 1],), ("1",), ({"a": 1},), ())}
    assert len(distinct) == 6
    assert len(digest_of(1)) == 64


def test_code_digest_is_of_every_source_of_the_packages(tmp_path, monkeypatch):
    from hwgen.flow import steps

    root = tmp_path / "plan"
    real = steps.find_spec("hwgen.plan").submodule_search_locations[0]
    shutil.copytree(real, root, ignore=shutil.ignore_patterns("__pycache__"))

    class Spec:
        submodule_search_locations = (root,)

    def digest():
        code_digest.cache_clear()
        return code_digest("plan")

    before = digest()
    monkeypatch.setattr(steps, "find_spec", lambda _name: Spec)
    assert digest() == before       # of what is in the files, not of where they are
    (root / "stages" / "base.py").write_text("# changed\n")
    changed = digest()
    (root / "stages" / "more.py").write_text("")
    more = digest()
    (root / "cells.v").write_text("// no Python\n")
    with_verilog = digest()
    assert len({before, changed, more, with_verilog}) == 4
    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "base.pyc").write_bytes(b"")
    assert digest() == with_verilog
    code_digest.cache_clear()


def test_code_digest_finds_all_packages_that_steps_name():
    from hwgen.flow import hardware, training

    names = (hardware.GENERATING, hardware.SIMULATING, hardware.PLACING, training.SOURCES)
    assert len({code_digest(*packages) for packages in names}) == 4
