"""The page: self-contained, complete, escaped, and readable where parts are missing."""

import re
from html.parser import HTMLParser

import jinja2
import pytest
from report.demo_document import demo_document

from hwgen.report import render, write
from hwgen.report.plots import accuracy_plots, curve_plots, series_class

VOID = {"meta", "br", "path", "use", "link", "img", "hr", "input"}


class Reader(HTMLParser):
    """Collects text, attributes, and what is left open."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.attributes, self.ids = [], [], [], []
        self.tables, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)
        self.hidden += tag == "style"

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag
        self.hidden -= tag == "style"

    def handle_data(self, data):
        if not self.hidden and data.strip():
            self.text.append(" ".join(data.split()))


def read(document) -> Reader:
    reader = Reader()
    reader.feed(render(document))
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page():
    return render(demo_document())


def test_page_loads_nothing(page):
    reader = read(demo_document())
    assert {tag for tag, *_ in reader.attributes} & {"script", "link", "img", "iframe"} == set()
    loaded = [v for _, name, v in reader.attributes if name in ("src", "href", "srcset", "data")]
    assert loaded  # markers of the plots, inside the page
    assert [value for value in loaded if not value.startswith("#")] == []
    assert "http" not in page
    assert "@import" not in page
    # url(...) only of clip paths in the page itself.
    assert re.findall(r"url\((?!#)", page) == []


def test_elements_are_closed_and_no_id_stands_twice():
    reader = read(demo_document())
    assert len(reader.ids) == len(set(reader.ids))
    targets = {v[1:] for _, name, v in reader.attributes if name == "href"}
    assert targets <= set(reader.ids)


def test_headline_has_every_number_of_a_row():
    text = read(demo_document()).text
    row = demo_document()["rows"][4]
    assert (row["network"], row["board"]) == ("digits-sparse", "ulx3s-85f")
    start = text.index("ulx3s-85f · 64-128-64-10")
    assert text[start - 1:start + 17] == [
        "digits-sparse", "ulx3s-85f · 64-128-64-10", "98.0", "98.0", "98.0", "26,790", "12,582",
        "6,204", "5,119", "24", "8", "64.3", "50.0", "530", "10.6", "412", "8.2", "121,359"]


def test_row_that_does_not_fit_says_why():
    document = demo_document()
    assert document["rows"][5]["reason"] in read(document).text


def test_tiles_sum_up():
    text = read(demo_document()).text
    start = text.index("97.2 %")
    assert text[start:start + 8] == [
        "97.2 %", "lowest accuracy; the float teacher has 98.8 %",
        "0", "mismatches in 75,000 scores and classes compared",
        "5 of 5", "routed designs meet their clock",
        "3 min 23 s", "for everything on this page"]


def test_time_of_a_resumed_run_is_no_verdict():
    document = demo_document() | {"reused": ["a", "b"], "total_seconds": 5.0}
    text = read(document).text
    assert text[text.index("5.0 s") + 1] == "for the last run, which found 2 steps done already"
    assert '<li class=""><strong>5.0 s' in render(document)


def test_mismatch_is_shown_as_one():
    document = demo_document()
    document["rows"][2]["scores"]["rtl_stalled"] |= {
        "mismatched": 3, "first_mismatch": "node 'fc2' of image 4"}
    page, text = render(document), read(document).text
    assert text[text.index("mismatches in 75,000 scores and classes compared") - 1] == "3"
    assert text[text.index("5,000 compared, 3 differ") - 2:][:2] == [
        "≠", "RTL, stalled"]
    assert "First: node 'fc2' of image 4" in text
    assert page.count('<li class="bad">') == 2  # the tile and the comparison
    assert render(demo_document()).count('<li class="bad">') == 0


def test_mismatch_of_the_second_board_alone_is_shown():
    document = demo_document()
    document["rows"][3]["scores"]["rtl"]["mismatched"] = 7
    text = read(document).text
    assert text[text.index("mismatches in 75,000 scores and classes compared") - 1] == "7"
    wrong = text.index("5,000 compared, 7 differ")
    assert text[wrong - 4:wrong] == ["RTL for icebreaker", "golden numpy", "≠", "RTL, full rate"]
    networks = [k for k, word in enumerate(text[:wrong]) if word.startswith("digits-")]
    assert text[networks[-1]] == "digits-fixed"


def test_comparisons_stand_under_their_board():
    text = read(demo_document()).text
    start = text.index("The same integers at every stage")
    chain = text[text.index("digits-binary", start):text.index("digits-fixed", start)]
    torch = ["torch", "=", "golden numpy", "5,000 compared, 0 differ",
             "the same integers from two programs"]
    rtl = ["golden numpy", "=", "RTL, full rate", "5,000 compared, 0 differ",
           "emitted Verilog, no stalls",
           "golden numpy", "=", "RTL, stalled", "5,000 compared, 0 differ",
           "random stalls on both sides, seed 1"]
    assert chain == ["digits-binary", *torch, "RTL for ulx3s-85f", *rtl,
                     "RTL for icebreaker", *rtl]


def test_clock_that_is_missed_is_marked():
    document = demo_document()
    document["rows"][0] |= {"fmax_mhz": 44.4, "met": False}
    page = render(document)
    assert '<td data-label="clock reached, MHz" class="bad">44.4</td>' in page
    assert "4 of 5" in page


def test_confusion_counts_errors():
    assert "8 of 500 wrong" in read(demo_document()).text


def test_times_and_tools_are_complete():
    document, text = demo_document(), read(demo_document()).text
    for step in document["rows"][0]["seconds"]:
        assert step in text
    assert "2 min 27 s" in text
    assert "A network is trained once" not in " ".join(text)
    again = text[text.index("Do it again"):]
    for name, version in document["tools"].items():
        assert again[again.index(name) + 1] == version


def test_training_in_the_bars_of_two_boards_is_said_to_be_one():
    document = demo_document()
    document["rows"][1]["seconds"]["train"] = 21.4
    assert ("A network is trained once, for all its boards; its training stands in each of its"
            " bars.") in read(document).text


def test_step_is_named_in_its_bar_only_where_there_is_room():
    document = demo_document()
    row = document["rows"][0] | {"seconds": {"place": 90.0, "a step of twenty chars": 10.0}}
    page = render(document | {"rows": [row]})
    assert 'title="place: 1 min 30 s">place</span>' in page
    assert 'title="a step of twenty chars: 10.0 s"></span>' in page


def test_mean_interval_is_rounded():
    document = demo_document()
    document["rows"][4] |= {"interval_cycles": 411.6, "interval_us": 8.232}
    text = read(document).text
    start = text.index("ulx3s-85f · 64-128-64-10")
    assert text[start + 14:start + 16] == ["412", "8.2"]


def test_shapes_of_the_boards_are_explained():
    text = read(demo_document()).text
    cost = text[text.index("Accuracy, and what it costs"):][:8]
    assert cost[1:] == ["digits-binary", "digits-fixed", "digits-sparse", "●", "ulx3s-85f", "▲",
                        "icebreaker"]
    document = demo_document()
    assert "●" not in read(document | {"rows": document["rows"][::2]}).text


def test_bits_that_differ_between_boards_are_two_points():
    document = demo_document()
    one = accuracy_plots(document)[1]
    document["rows"][5]["weight_bits"] = {"weights": 14208, "total": 40000}
    two = accuracy_plots(document)[1]
    places = [re.findall(r'<use href="[^"]*" x="([0-9.]+)"[^>]*var\(--n3\)', svg)
              for svg in (one, two)]
    assert [len(set(found)) for found in places] == [1, 2]


def test_loss_has_plain_numbers_on_its_axis():
    labels = re.findall(r"<text[^>]*>(.*?)</text>", curve_plots(demo_document())[0], re.DOTALL)
    assert {"0.1", "0.2", "0.5", "1", "2"} <= set(labels)


def test_names_are_escaped():
    document = demo_document()
    document["rows"][5]["reason"] = "<script>alert('x')</script>"
    assert "<script" not in render(document)


def test_light_and_dark_define_the_same_colours(page):
    blocks = re.findall(r":root \{(.*?)\}", page, flags=re.DOTALL)
    light, dark = (set(re.findall(r"--(\w+(?:-\w+)?):", block)) for block in blocks)
    assert dark <= light
    used = set(re.findall(r"var\(--(\w+(?:-\w+)?)\)", page))
    assert used - {"p"} <= light
    assert {"page", "panel", "ink", "muted", "line", "n1", "n2", "n3"} <= dark


def test_plots_take_their_colours_from_the_page(page):
    plots = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(plots) == 5  # two of accuracy, three of training
    for plot in plots:
        assert re.findall(r"#0[0-9a-f]{5}\b", plot) == []
        assert "var(--n1)" in plot


def test_a_network_has_one_colour_everywhere():
    assert series_class(demo_document()) == {
        "digits-binary": 1, "digits-fixed": 2, "digits-sparse": 3}


def test_the_same_document_gives_the_same_page(page):
    assert render(demo_document()) == page


def bare_document():
    """What is known of an artefact of which nothing was measured yet."""
    document = demo_document()
    row = document["rows"][0] | {
        "accuracy": {"torch": None, "golden": None, "rtl": None}, "scores": {}, "confusion": None,
        "cells": None, "fmax_mhz": None, "met": None, "bitstream": None, "seconds": {},
        "device": None}
    return document | {"rows": [row], "curves": {}, "teacher": None, "dataset": None,
                       "seed": None, "total_seconds": None, "machine": {}}


def test_page_of_an_artefact_without_results():
    page, text = render(bare_document()), read(bare_document()).text
    assert "digits-binary, from integers to gates" in text
    assert "<svg" not in page
    for absent in ("Training", "Where the time went", "The same integers at every stage"):
        assert absent not in text
    assert "331" in text


def test_write_replaces_the_page_at_once(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write(demo_document(), path) == path
    assert path.read_text(encoding="utf-8") == render(demo_document())
    assert list(tmp_path.iterdir()) == [path]


def test_page_that_cannot_be_made_leaves_the_old_one(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    document = demo_document()
    del document["tools"]
    with pytest.raises(jinja2.UndefinedError, match="'dict object' has no attribute 'tools'"):
        write(document, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
