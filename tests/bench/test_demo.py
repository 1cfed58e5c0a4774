"""The first benchmark: which rows follow from a demo, and when an earlier one is taken."""

import json
import sys
from types import SimpleNamespace

import pytest
from report.demo_document import BOARDS, NETWORKS, demo_document

import hwgen
from hwgen.bench import demo

JOBS = tuple(SimpleNamespace(network=n, board=b) for n in NETWORKS for b in BOARDS)


def rows(document=None):
    return {(row.work, row.metric): row for row in demo.rows_of(document or demo_document())}


def failed(document):
    return [key for key, row in rows(document).items() if row.failed]


def test_a_good_demo_meets_every_bound():
    assert failed(demo_document()) == []
    assert sum(row.must is not None for row in rows().values()) > 25


def test_values_are_those_of_the_document():
    found = rows()
    assert found["teacher", "accuracy"].value == 98.8
    lost = found["digits-binary", "accuracy lost to the teacher"]
    assert lost.value == 1.6  # not 1.5999999999999943, so that 2 points are 2
    assert found["digits-sparse on ulx3s-85f", "weight bits"].value == 26790
    assert found["digits-fixed on ulx3s-85f", "fmax"].must == ">= 50"
    assert found["digits-fixed on icebreaker", "LUT"].value == 4630
    assert found["digits-binary on ulx3s-85f", "interval"].value == 256
    assert found["digits-binary on ulx3s-85f", "throughput"].value == 195312
    assert found["digits-binary", "torch_golden scores compared"].must == ">= 5000"
    assert found["digits-binary on icebreaker", "rtl_stalled scores compared"].seed == 1
    assert found["demo", "networks that meet the clock"].value == 2
    total = found["demo", "total time"]
    assert (total.must, total.stretch, total.stretched) == ("<= 600", "<= 240", True)


def test_time_of_a_resumed_run_has_no_bound():
    row = rows(demo_document() | {"reused": ["x"], "total_seconds": 999.0})[
        "demo", "total time, 1 steps done before"]
    assert (row.value, row.met) == (999.0, None)


def test_board_rows_name_device_and_tools():
    row = rows()["digits-fixed on icebreaker", "fmax"]
    assert row.device == "icebreaker, iCE40UP5K-SG48"
    assert row.tools == "yosys 0.69 (yowasp), nextpnr-ice40 0.11.1 (yowasp)"


def test_network_that_does_not_fit_the_small_board_is_no_fault():
    found = rows()
    assert found["digits-sparse on icebreaker", "fits"].value == 0
    assert found["digits-sparse on icebreaker", "fits"].must is None
    assert ("digits-sparse on icebreaker", "fmax") not in found


@pytest.mark.parametrize(("change", "expected"), [
    (lambda d: d["teacher"].update(accuracy=96.9), [("teacher", "accuracy")]),
    (lambda d: d["rows"][0].update(accuracy={"torch": 97.2, "golden": 97.2, "rtl": 96.7}),
     [("digits-binary", "accuracy lost to the teacher")]),
    (lambda d: d["rows"][1].update(accuracy={"torch": 97.2, "golden": 97.2, "rtl": 96.7}),
     [("digits-binary", "accuracy lost to the teacher")]),
    (lambda d: d["rows"][2]["scores"]["torch_golden"].update(mismatched=1),
     [("digits-fixed", "torch_golden scores mismatched")]),
    (lambda d: d["rows"][2]["scores"]["rtl"].update(mismatched=1),
     [("digits-fixed on ulx3s-85f", "rtl scores mismatched")]),
    (lambda d: d["rows"][3]["scores"]["rtl_stalled"].update(mismatched=1),
     [("digits-fixed on icebreaker", "rtl_stalled scores mismatched")]),
    (lambda d: d["rows"][2]["scores"]["rtl"].update(compared=4999),
     [("digits-fixed on ulx3s-85f", "rtl scores compared")]),
    (lambda d: d["rows"][3]["scores"].update(rtl=None),
     [("digits-fixed on icebreaker", "rtl scores compared")]),
    (lambda d: d["rows"][4].update(fmax_mhz=49.9, met=False),
     [("digits-sparse on ulx3s-85f", "fmax")]),
    (lambda d: d["rows"][4].update(fits=False), [("digits-sparse on ulx3s-85f", "fits")]),
    (lambda d: [d["rows"][k].update(met=False) for k in (1, 3)],
     [("demo", "networks that meet the clock")]),
    (lambda d: d.update(total_seconds=600.1), [("demo", "total time")]),
])
def test_each_requirement_can_fail(change, expected):
    document = demo_document()
    change(document)
    assert failed(document) == expected


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in which no demo was run; running one gives the made-up document."""
    ran = []

    def run_demo(out, *, progress, seed):
        ran.append((out, seed))
        out.mkdir(parents=True)
        return demo_document() | {"seed": seed}

    monkeypatch.setitem(sys.modules, "hwgen.flow.demo",
                        SimpleNamespace(run_demo=run_demo, DEMO=JOBS))
    monkeypatch.chdir(tmp_path)
    return SimpleNamespace(path=tmp_path / "rtl_out/demo/demo.json", ran=ran)


def run():
    told = []
    found = demo.run(lambda *what: told.append(what))
    return found, told


def put(path, document):
    path.parent.mkdir(parents=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))


def good():
    return demo_document() | {"seed": demo.SEED}


def test_demo_is_run_where_there_is_none(folder):
    found, told = run()
    assert folder.ran == [(demo.FOLDER, demo.SEED)]
    assert told == [("bench demo", 1.0, "running the demo: there is no rtl_out/demo/demo.json")]
    assert len(found) == len(demo.rows_of(good()))
    assert json.loads(folder.path.read_text()) == good()


def test_earlier_demo_is_taken(folder):
    put(folder.path, good())
    _, told = run()
    assert folder.ran == []
    assert told == [("bench demo", 1.0, "taking the numbers of rtl_out/demo/demo.json")]


@pytest.mark.parametrize(("document", "reason"), [
    ("{", "is no JSON"),
    ("[]", "is of another kind"),
    (good() | {"format": "other"}, "is of another kind"),
    (good() | {"hwgen": "0.0.1"}, f"is of hwgen 0.0.1, not {hwgen.__version__}"),
    (good() | {"seed": 77}, f"is of seed 77, not {demo.SEED}"),
    (good() | {"rows": good()["rows"][1:]}, "is of a part of the networks or boards"),
])
def test_other_demo_is_not_taken(folder, document, reason):
    put(folder.path, document)
    told = []
    assert demo._earlier(demo.FOLDER / "demo.json", lambda *what: told.append(what)) is None
    assert told == [
        ("bench demo", 1.0, f"running the demo: rtl_out/demo/demo.json {reason}")]
