import pytest
from synth.recorded import ROUTING_LOG

from hwgen.synth import Progress
from hwgen.synth.progress import NextpnrProgress, Reporter, YosysProgress


def replay(step, meter, lines):
    seen = []
    reporter = Reporter(step, meter, seen.append)
    for line in lines:
        reporter(line)
    reporter.done()
    return seen


def test_nextpnr_from_packing_to_the_end():
    seen = replay("nextpnr", NextpnrProgress(), ROUTING_LOG.splitlines())
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert {progress.step for progress in seen} == {"nextpnr"}
    messages = [progress.message for progress in seen]
    assert messages == [
        "packing",
        "placing",
        "placing, iteration 1",
        "placing, iteration 8",
        "refining the placement",
        "refining the placement, iteration 1",
        "refining the placement, iteration 8",
        "routing 714 arcs",
        "routing, 357 arcs left",
        "routing, 0 arcs left",
        "routed",
        "finished",
        "done",
    ]


def test_routing_follows_the_arcs_that_are_left():
    seen = {p.message: p.fraction for p in replay("n", NextpnrProgress(), ROUTING_LOG.split("\n"))}
    start, half = seen["routing 714 arcs"], seen["routing, 357 arcs left"]
    assert half == pytest.approx((start + seen["routing, 0 arcs left"]) / 2)


def test_wires_that_router_2_has_to_untangle():
    lines = ["Info: Running router2...",
             "Info:     iter=1 wires=324729 overused=27197 overuse=43703 archfail=NA",
             "Info:     iter=20 wires=370000 overused=12 overuse=12 archfail=NA",
             "Info: Routing complete."]
    seen = replay("nextpnr", NextpnrProgress(), lines)
    assert [p.message for p in seen][:3] == [
        "routing, iteration 1, 27197 wires overused", "routing, iteration 20, 12 wires overused",
        "routed"]
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert 0.6 < fractions[0] < fractions[1] < fractions[2]


def test_fraction_does_not_fall_when_the_router_rips_up():
    line = "Info:       {0} |      448        539 |  448   539 |       {1}|       1.97       1.97|"
    lines = ["Info: Routing 100 arcs.", line.format(10, 20), line.format(20, 60)]
    fractions = [p.fraction for p in replay("nextpnr", NextpnrProgress(), lines)]
    assert fractions[1] == fractions[2]


def test_yosys_headers():
    lines = [
        "1. Executing RTLIL frontend.",
        "2. Executing SYNTH_LATTICE pass.",
        "2.3.1. Analyzing design hierarchy..",
        "2.30. Executing OPT_MERGE pass (detect identical cells).",
        "2.46. Executing ABC9 pass.",
        "Warning: something",
    ]
    assert replay("yosys", YosysProgress(), lines) == [
        Progress(step="yosys", fraction=0.25, message="OPT_MERGE"),
        Progress(step="yosys", fraction=0.5 * 46 / 60, message="mapping to LUTs"),
        Progress(step="yosys", fraction=1.0, message="done"),
    ]


def test_compiling_is_told():
    line = "yosys compiles itself the first time (up to about 90 s)"
    assert replay("yosys", YosysProgress(), [line])[0] == Progress(
        step="yosys", fraction=0.0, message=line
    )


def test_nobody_needs_to_listen():
    reporter = Reporter("yosys", YosysProgress(), None)
    reporter("2.30. Executing OPT_MERGE pass (detect identical cells).")
    reporter.done()
