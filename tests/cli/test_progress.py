"""Progress: a line per step without a terminal, bars and closing lines with one."""

import io

import pytest
from rich.console import Console

from hwgen.cli.progress import Bars, Lines, show_progress


@pytest.fixture
def told():
    """A function that tells ``(seconds, step, fraction, text)``; ``.lines`` are what is printed."""
    now = [0.0]
    console = Console(file=io.StringIO(), width=80)
    lines = Lines(console, clock=lambda: now[0])

    def tell(seconds, *what):
        now[0] = seconds
        lines(*what)

    tell.lines = lambda: console.file.getvalue().splitlines()
    return tell


def test_a_step_has_a_line_at_its_begin_and_its_end(told):
    told(0, "train", 0.0, "")
    told(3, "train", 0.5, "epoch 5/10")
    told(7.25, "train", 1.0, "")
    assert told.lines() == ["train", "train: done in 7.2 s"]


def test_text_of_the_end_is_kept(told):
    told(0, "train", 1.0, "there already")
    assert told.lines() == ["train: there already"]


def test_long_steps_say_something_now_and_then(told):
    told(0, "place", None, "packing")
    for second in range(1, 26):
        told(second, "place", second / 100, f"iteration {second}")
    assert told.lines() == [
        "place: packing", "place:  10% iteration 10", "place:  20% iteration 20"]


def test_unknown_share_is_not_made_up(told):
    told(0, "a", None, "begins")
    told(11, "a", None, "goes on")
    assert told.lines()[1] == "a: goes on"


def test_a_tool_that_compiles_itself_is_told_of_at_once(told):
    told(0, "yosys", 0.0, "")
    told(1, "yosys", 0.0, "yosys compiles itself the first time (up to about 75 s)")
    assert told.lines()[1] == (
        "yosys:   0% yosys compiles itself the first time (up to about 75 s)")


def test_steps_side_by_side_and_again(told):
    told(0, "a", 0.0, "")
    told(1, "b", 0.0, "")
    told(2, "a", 1.0, "")
    told(4, "b", 1.0, "")
    told(5, "a", 0.0, "again")
    assert told.lines() == ["a", "b", "a: done in 2.0 s", "b: done in 3.0 s", "a: again"]


def test_brackets_are_text(told):
    told(0, "a", None, "[red]8[/]")
    assert told.lines() == ["a: [red]8[/]"]


def terminal():
    return Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)


def test_finished_bars_become_lines():
    console = terminal()
    with Bars(console) as bars:
        bars("train", 0.5, "epoch [5]")
        bars("place", None, "packing")
        bars("train", 1.0, "98.0 %")
        bars("check", 1.0, "done")
    text = console.file.getvalue()
    assert "✓ train  98.0 %" in text
    assert "✓ check  0.0 s" in text
    assert "✓ place" not in text


def test_bars_show_what_is_under_way():
    console = terminal()
    with Bars(console) as bars:
        bars("train", 0.25, "epoch [5] of " + "x" * 100)
        bars._bars.refresh()
    text = console.file.getvalue()
    assert " 25%" in text
    assert "epoch [5] of xxx" in text
    assert "x" * 50 not in text


def test_terminal_gets_bars_and_a_file_gets_lines():
    with show_progress(terminal()) as progress:
        assert isinstance(progress, Bars)
    with show_progress(Console(file=io.StringIO())) as progress:
        assert isinstance(progress, Lines)


def test_bars_end_when_a_step_fails():
    console = terminal()
    with pytest.raises(TypeError, match="not supported"), show_progress(console) as progress:
        progress("train", "half", "")
    assert "\x1b[?25h" in console.file.getvalue()  # the cursor is back
