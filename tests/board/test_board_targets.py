# amaranth: UnusedElaboratable=no
import re
from pathlib import Path

import pytest
from board.standin import DIGEST, OUT_BYTES, StandIn
from cases.errors import refused

from hwgen import board_targets
from hwgen.numeric.errors import SpecError
from hwgen.synth import synthesise

IN_BYTES = 64


def prepare(board, *, name="top", **link):
    spec = board.link_spec(digest=DIGEST, in_bytes=IN_BYTES, out_bytes=OUT_BYTES, **link)
    return board.prepare(StandIn(), name=name, spec=spec)


def test_names():
    assert board_targets.names() == ["icebreaker", "ulx3s-85f"]


@pytest.mark.parametrize("name", board_targets.names())
def test_every_board_loads_under_its_own_name(name):
    board = board_targets.load(name)
    assert board.name == board.target.name == name


@pytest.mark.parametrize(("name", "device", "totals"), [
    ("ulx3s-85f", "ecp5-85k-CABGA381-6", ["TRELLIS_COMB", "DP16KD", "MULT18X18D"]),
    ("icebreaker", "ice40-up5k-sg48", ["ICESTORM_LC", "ICESTORM_RAM", "ICESTORM_DSP"]),
])
def test_target_says_what_the_tools_say(name, device, totals):
    board = board_targets.load(name)
    target = board.target
    assert str(board.device) == device
    assert [board.device.totals[each] for each in totals] == [
        target.luts, target.brams, target.dsps]


@pytest.mark.parametrize(("name", "divisor", "lines"), [
    ("ulx3s-85f", 50, [
        'LOCATE COMP "clk25_0__io" SITE "G2";',
        'LOCATE COMP "uart_0__rx__io" SITE "M1";',
        'LOCATE COMP "uart_0__tx__io" SITE "L4";',
        'LOCATE COMP "button_fire_0__io" SITE "R1";',
        'FREQUENCY NET "clk" 50000000.0 HZ;',
        'FREQUENCY PORT "clk25_0__io" 25000000.0 HZ;',
    ]),
    ("icebreaker", 24, [
        "set_io clk12_0__io 35",
        "set_io uart_0__rx__io 6",
        "set_io uart_0__tx__io 9",
        "set_io button_0__io 10",
        "set_frequency clk 24.0",
        "set_frequency clk12_0__io 12.0",
    ]),
])
def test_pins_and_clocks(name, divisor, lines):
    board = board_targets.load(name)
    files = prepare(board)
    constraints = files.files[files.constraints].splitlines()
    for line in lines:
        assert line in constraints
    assert files.clk_hz == board.target.clk_hz
    spec = board.link_spec(digest=DIGEST, in_bytes=1, out_bytes=1)
    assert (spec.baud, spec.divisor) == (1_000_000, divisor)


def test_oscillator_as_the_clock_leaves_the_pll_out():
    files = prepare(board_targets.load("icebreaker"), clk_hz=12_000_000)
    assert files.clk_hz == 12e6
    assert "SB_PLL40_PAD" not in files.files[files.rtlil]
    assert "SB_PLL40_PAD" in prepare(board_targets.load("icebreaker")).files["top.il"]


def test_link_follows_the_clock_that_the_pll_makes():
    spec = board_targets.load("ulx3s-85f").link_spec(
        digest=DIGEST, in_bytes=1, out_bytes=1, clk_hz=33.33e6, baud=115_200)
    assert spec.clk_hz == pytest.approx(100e6 / 3)
    assert spec.divisor == 289


def test_same_design_gives_the_same_files():
    board = board_targets.load("icebreaker")
    assert prepare(board) == prepare(board)


def test_files_are_written(tmp_path):
    files = prepare(board_targets.load("icebreaker"), name="digits")
    files.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.il", "digits.pcf"]
    assert (tmp_path / files.constraints).read_text() == files.files["digits.pcf"]


def test_board_of_the_users_own(tmp_path):
    own = tmp_path / "mine.py"
    source = Path(board_targets.__file__).with_name("icebreaker.py").read_text()
    source = source.replace("from .shared", "from hwgen.board_targets.shared")
    own.write_text(source.replace('name="icebreaker"', 'name="mine"'))
    assert board_targets.load(own).name == "mine"
    assert board_targets.load(str(own)).name == "mine"


def test_unknown_board_is_refused_with_the_known_ones():
    with refused(SpecError, "board must be one of icebreaker, ulx3s-85f, or the path of a board's"
                            " .py file, not 'ulx3s'; did you mean 'ulx3s-85f'?"):
        board_targets.load("ulx3s")


def test_board_file_that_is_not_there():
    with pytest.raises(SpecError,
                       match=r"^board: path must be a file that exists, not 'no/such\.py'$"):
        board_targets.load("no/such.py")


def test_board_file_without_a_board(tmp_path):
    own = tmp_path / "mine.py"
    own.write_text("BOARD = 3\n")
    message = f"board '{own}': file must define BOARD, a Board, not 3"
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        board_targets.load(own)


def test_name_of_a_top_is_checked():
    message = "board 'icebreaker': name must be an identifier, not 'digits-binary'"
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        prepare(board_targets.load("icebreaker"), name="digits-binary")


@pytest.mark.synth
@pytest.mark.parametrize("name", board_targets.names())
def test_shell_fits_meets_its_clock_and_packs(name, tmp_path):
    board = board_targets.load(name)
    files = prepare(board)
    files.write(tmp_path)
    report = synthesise(board.synth_job(files, tmp_path, min_cells=100), tmp_path / "out")
    assert report.met
    assert report.mode == "board"
    assert list((tmp_path / "out").glob("top.bi[nt]"))
