"""``hwgen sensitivity``: tables, a document and a plot."""

import json

MODEL = """
from torch import nn

def model():
    return nn.Sequential(nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 10))
"""


def test_a_model_alone(hwgen, tmp_path):
    (tmp_path / "8x8.py").write_text(MODEL, encoding="utf-8")
    out = tmp_path / "out"
    done = hwgen("sensitivity", tmp_path / "8x8.py", "--weight-bits", "2..3", "--activation-bits",
                 "4", "--densities", "0.5", "-o", out)
    assert done.code == 0
    assert "259 held-back training samples" in done.words
    assert "_8x8: error in %, weights, bits" in done.words
    found = json.loads((out / "_8x8-sensitivity.json").read_text())
    assert [(each["layer"], each["what"], each["value"]) for each in found["points"]] == [
        ("0", "weights", 2), ("0", "weights", 3), ("2", "weights", 2), ("2", "weights", 3),
        ("1", "activations", 4), ("0", "density", 0.5), ("2", "density", 0.5)]
    plot = (out / "_8x8-sensitivity.svg").read_text()
    assert plot.startswith("<?xml")
    assert "error, % of 259 held-back samples" in plot


def test_ranges_that_are_none(hwgen, tmp_path):
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    for option, text, reason in (
            ("--weight-bits", "8..2", "--weight-bits must be a number, or two as in 2..8, not"),
            ("--densities", "0.5,a", "--densities must be numbers such as 0.5,0.1, not '0.5,a'"),
            ("--densities", "0.5.1", "--densities must be numbers such as 0.5,0.1, not '0.5.1'")):
        done = hwgen("sensitivity", tmp_path / "model.py", option, text)
        assert (done.code, reason in done.err) == (1, True)
