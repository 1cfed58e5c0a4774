"""``hwgen profile``: of a model with its recipe, and of a network file."""

import json

import numpy as np
import pytest
from cases.mnist_files import write_digits

from hwgen.compress import digits

MODEL = """
from torch import nn

def model():
    return nn.Sequential(nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 10))
"""
RECIPE = """
name = "tiny"
[budget]
bits = 10
[[step]]
kind = "quantise"
"""


def test_a_model_and_then_its_network(hwgen, tmp_path):
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    out = tmp_path / "out"
    found = hwgen("profile", tmp_path / "model.py", "--recipe", tmp_path / "recipe.toml", "-o",
                  out, "--json").json
    assert found["page"] == str(out / "tiny-profile.html")
    assert found["nodes"][-1]["error"]["sqnr_db"] > 20
    assert (out / "tiny-profile.json").is_file()
    done = hwgen("compress", tmp_path / "model.py", "--recipe", tmp_path / "recipe.toml", "-o", out)
    assert done.code == 1       # the budget, which the profile does not ask for
    np.save(tmp_path / "x.npy", digits().x_train[:40])
    done = hwgen("profile", out / "tiny.hwgen", "--vectors", tmp_path / "x.npy", "-o", out)
    assert (done.code, "tiny, 40 samples" in done.words) == (0, True)
    page = out / "tiny-profile-vectors.html"
    assert f"Page written to {page}" in "".join(done.out.split("\n"))
    assert page.read_bytes() != (out / "tiny-profile.html").read_bytes()
    kept = json.loads((out / "tiny-profile.json").read_text())
    assert (kept["samples"], kept["nodes"][-1]["error"] is None) == (500, False)


@pytest.mark.filterwarnings("error")
def test_samples_that_are_read_only(hwgen, tmp_path):
    """As IDX files are read."""
    (tmp_path / "model.py").write_text(MODEL.replace("64", "784"), encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    write_digits(tmp_path / "mnist", train=200, test=20)
    done = hwgen("profile", tmp_path / "model.py", "--recipe", tmp_path / "recipe.toml", "--data",
                 tmp_path / "mnist", "-o", tmp_path / "out")
    assert (done.code, done.err) == (0, "")


def test_what_goes_together(hwgen, tmp_path):
    done = hwgen("profile", tmp_path / "tiny.hwgen", "--recipe", "a.toml")
    assert done.code == 1
    assert "must be a model with --recipe, or a network file NAME.hwgen with --vectors" in done.err
