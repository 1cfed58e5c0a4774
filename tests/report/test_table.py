"""The terminal's tables: the columns that matter, whole at 100 columns."""

import io

import pytest
from report.demo_document import demo_document
from rich.console import Console

from hwgen.report import tables


def printed(document, width=100):
    """Lines of all tables, each cut at its end."""
    console = Console(width=width, file=io.StringIO())
    for part in tables(document):
        console.print(part)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [100, 120])
def test_nothing_is_cut_or_too_wide(width):
    lines = printed(demo_document(), width)
    assert max(map(len, lines)) <= width
    assert [line for line in lines if "…" in line] == []


def test_headline_has_the_columns_and_numbers():
    lines = printed(demo_document())
    assert lines[0] == "hwgen 0.1.0, float teacher 98.8 %"
    assert [line.split() for line in lines[3:6]] == [
        ["weight", "fmax,", "latency", "interval"],
        ["network", "accuracy,", "%", "bits,", "LUT", "FF", "asked", "cycles", "cycles"],
        ["board", "torch/golden/RTL", "index", "BRAM", "DSP", "MHz", "µs", "µs", "images/s",
         "time"]]
    row = next(k for k, line in enumerate(lines) if line.startswith(" digits-sparse"))
    assert [line.split() for line in lines[row:row + 2]] == [
        ["digits-sparse", "98.0/98.0/98.0", "26,790", "6,204", "5,119", "64.3", "✓", "530", "412",
         "121,359", "2:27"],
        ["ulx3s-85f", "12,582", "24", "8", "50.0", "10.6", "8.2"]]


def test_seconds_of_each_step_and_their_sum():
    lines = [line.split() for line in printed(demo_document())]
    assert ["yosys", "24.5", "17.1", "29.4", "20.6", "34.3", "–"] in lines
    assert ["all", "105.3", "58.4", "126.3", "70.0", "147.4", "0.4"] in lines


def test_misfit_and_missed_clock_are_told():
    document = demo_document()
    document["rows"][0] |= {"fmax_mhz": 44.4, "met": False}
    text = " ".join(" ".join(printed(document)).split())
    assert "44.4 ✗" in text
    assert "does not fit" in text
    assert document["rows"][5]["reason"] in text


def test_torch_is_counted_once_for_each_network_and_rtl_for_each_board():
    assert printed(demo_document())[-1] == "75,000 scores and classes compared, 0 mismatched"


def test_mismatches_are_added_up():
    document = demo_document()
    first = "node 'fc2' of image 4, index 1: expected 1, found -1"
    document["rows"][0]["scores"]["rtl"] |= {"mismatched": 2, "first_mismatch": first}
    document["rows"][2]["scores"]["torch_golden"]["mismatched"] = 1
    lines = printed(document)
    assert lines[-1] == "75,000 scores and classes compared, 3 mismatched"
    where = lines.index(
        "digits-binary on ulx3s-85f: golden numpy = RTL, full rate: 5,000 compared, 2 mismatched")
    assert lines[where + 1] == f"  first: {first}"
    assert "digits-fixed: torch = golden numpy: 5,000 compared, 1 mismatched" in lines


def test_mismatch_of_the_second_board_alone_is_counted():
    document = demo_document()
    first = "node 'fc1' of image 9, index 3: expected -1, found 1"
    document["rows"][1]["scores"]["rtl_stalled"] |= {"mismatched": 4, "first_mismatch": first}
    lines = printed(document)
    assert lines[-1] == "75,000 scores and classes compared, 4 mismatched"
    where = lines.index(
        "digits-binary on icebreaker: golden numpy = RTL, stalled: 5,000 compared, 4 mismatched")
    assert lines[where + 1] == f"  first: {first}"


def test_one_artefact_on_two_boards_is_counted_once():
    document = demo_document()
    rows = [row | {"artefact": "."} for row in document["rows"][:2]]
    assert printed(document | {"rows": rows})[-1] == (
        "15,000 scores and classes compared, 0 mismatched")


def test_mean_interval_is_rounded():
    document = demo_document()
    document["rows"][4] |= {"interval_cycles": 411.6, "interval_us": 8.232}
    lines = printed(document)
    row = next(k for k, line in enumerate(lines) if line.startswith(" digits-sparse"))
    assert lines[row].split()[8] == "412"


def test_nothing_simulated_is_said_so():
    document = demo_document()
    row = document["rows"][0] | {"scores": {}}
    assert printed(document | {"rows": [row]})[-1] == "nothing was simulated yet"


def test_unknown_is_a_dash():
    document = demo_document()
    row = document["rows"][0] | {"accuracy": {"torch": None, "golden": 97.2, "rtl": None}}
    assert "–/97.2/–" in " ".join(printed(document | {"rows": [row]}))
