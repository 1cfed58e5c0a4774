"""The profile: a page that is self-contained and well formed, and JSON with the same counts."""

import json
import re
from html.parser import HTMLParser

import pytest
import torch
from cases.errors import refused
from cases.plain import Plain

import hwgen
from hwgen.compress import METHODS, Recipe, compress, digits
from hwgen.numeric import SpecError
from hwgen.report.profile_page import render_profile

VOID = {"meta", "path", "use", "br"}


class Tags(HTMLParser):
    """Fails where an element is left open; collects names and texts."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.texts = [], set(), []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


@pytest.fixture(scope="module")
def split():
    return digits()


@pytest.fixture(scope="module")
def result(split):
    torch.manual_seed(3)
    return compress(Plain(), Recipe((METHODS["quantise"](weight_bits=4, activation_bits=4),),
                                    name="plain"), split)


@pytest.fixture(scope="module")
def saved(result, split, tmp_path_factory):
    found = hwgen.profile(result, split)
    page, data = found.save(tmp_path_factory.mktemp("profile"))
    return found, page.read_text(encoding="utf-8"), json.loads(data.read_text())


def test_the_page_needs_nothing_else(saved):
    found, page, _ = saved
    tags = Tags(page)
    assert tags.tags & {"script", "link", "img", "iframe"} == set()
    assert "http" not in page
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []
    assert "prefers-color-scheme: dark" in page
    assert "#0101" not in page
    for each in found.nodes:
        assert each.node in tags.texts
        assert f"{each.most:,}" in tags.texts
    # Values of each node, weights of three layers, and the errors.
    assert page.count("<svg") == len(found.nodes) + 3 + 1


def test_json_holds_the_counts(saved):
    found, _, data = saved
    assert data == json.loads(json.dumps(found.to_dict()))
    assert data["samples"] == 500
    assert data["overflows"] == 0
    assert data["saturated"] == sum(each["saturated"] for each in data["nodes"])
    nodes = {each["node"]: each for each in data["nodes"]}
    assert nodes["fc1"]["weights"]["count"] == 24 * 64
    assert nodes["fc1"]["rounding"]["bits"] == 4
    assert nodes["fc3"]["error"]["sqnr_db"] > 0
    relu = nodes["relu"]
    assert relu["saturated"] == relu["above"]
    assert relu["is_rectified"]


def test_affine_integers_are_drawn_in_their_scales(split):
    torch.manual_seed(3)
    model = torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10))
    result = compress(model, Recipe((METHODS["integer-only"](weights="channel"),)), split)
    found = hwgen.profile(result, split)
    nodes = {each["node"]: each for each in found.to_dict()["nodes"]}
    grids = result.notes["integer-only"]
    assert {name: each["scale"] for name, each in nodes.items()} == {
        "input": 2.0 ** -5, "layer0": None, "layer1": grids["1"]["scale"], "layer2": None,
        "scores": grids["scores"]["scale"]}
    assert len(grids["0"]["scale"]) == 8
    assert {each["frac"] for each in nodes.values()} == {None}
    assert all(each["rounding"] is None for each in nodes.values())
    assert (found.stages["scores"].zero, grids["scores"]["zero_point"] > 0) == (0, True)
    page = render_profile(found)
    assert f"{grids['1']['scale']:.4g}" in Tags(page).texts
    alone = hwgen.profile(result.network, split)
    assert {*alone.fracs.values(), *alone.scales.values()} == {None}


def test_of_a_network_alone(saved, result, split):
    x = split.x_train[::len(split.x_train) // 500][:500]
    alone = hwgen.profile(result.network, x)
    assert alone.nodes == saved[0].nodes
    assert alone.stages == {}
    assert hwgen.profile(result.network, split).nodes == alone.nodes
    assert "SQNR against float behind" not in render_profile(alone)


def test_what_is_none(result):
    with refused(TypeError, "subject must be a Network or a Compressed, not 3"):
        hwgen.profile(3, [[1]])
    with refused(SpecError, "data must be samples (batch, features) or maps of 4 axes, at least"
                            " one, not of shape (64,)"):
        hwgen.profile(result.network, [0] * 64)
