"""Markdown: whole lines, whatever is missing."""

from report.demo_document import demo_document

from hwgen.report import markdown


def tables(document):
    """The cells of both tables, line by line."""
    text = markdown(document)
    assert text.endswith(" |\n")
    return [[line.strip("|").split(" | ") for line in part.splitlines()]
            for part in text.split("\n\n")]


def test_headline():
    headline, _ = markdown(demo_document()).split("\n\n")
    lines = headline.splitlines()
    assert lines[0] == (
        "| network, board | accuracy torch / golden / RTL, % | weight bits (of them index) |"
        " LUT / FF / BRAM / DSP | fmax (asked), MHz | latency, cycles (µs) |"
        " interval, cycles (µs) | images/s | time, s |")
    assert lines[1] == f"| --- |{' ---: |' * 8}"
    assert lines[6] == (
        "| digits-sparse, ulx3s-85f | 98.0 / 98.0 / 98.0 | 26,790 (12,582) |"
        " 6,204 / 5,119 / 24 / 8 | 64.3 (50.0) | 530 (10.6) | 412 (8.2) | 121,359 | 147 |")
    assert len(lines) == 2 + 6


def test_steps():
    _, steps = tables(demo_document())
    assert [cell.strip() for cell in steps[0]] == [
        "network, board", *(f"{name}, s" for name in demo_document()["rows"][0]["seconds"]),
        "plan, s"]
    assert [cell.strip() for cell in steps[3]] == [
        "digits-binary, icebreaker", "–", "–", "–", "1.5", "10.4", "6.8", "17.1", "21.8", "0.8",
        "–"]


def test_row_that_does_not_fit_says_why():
    headline, _ = tables(demo_document())
    reason = demo_document()["rows"][5]["reason"]
    assert headline[7][3:] == [reason, "– (18.0)", "– (–)", "– (–)", "–", "0 "]


def test_bars_within_a_cell_are_escaped():
    document = demo_document()
    document["rows"][5]["reason"] = "a | b"
    assert r"| a \| b |" in markdown(document)


def test_what_was_never_placed_has_no_steps():
    document = demo_document()
    row = document["rows"][0] | {"cells": None, "seconds": {}}
    headline, = tables(document | {"rows": [row]})
    assert headline[2][3] == "not placed"
