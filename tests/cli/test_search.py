"""``hwgen search``: a budget, and a recipe that is within it."""

import json
from types import SimpleNamespace

from cases.mnist_files import write_digits

from hwgen.cli import search
from hwgen.compress import Recipe

MODEL = """
from torch import nn

def model():
    return nn.Sequential(nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 10))
"""
RECIPE = """
name = "tiny"
[[step]]
kind = "train"
epochs = 2
lr = 0.02
[[step]]
kind = "quantise"
"""


def files(tmp_path):
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return tmp_path / "model.py", "--recipe", tmp_path / "recipe.toml", "-o", tmp_path / "out"


def test_bits_then_the_recipe_that_was_found(hwgen, tmp_path):
    model, *rest = files(tmp_path)
    done = hwgen("search", model, *rest, "--budget-bits", "2000", "--trials", "9",
                 "--weight-bits", "2..5", "--activation-bits", "4")
    path = tmp_path / "out" / "tiny-found.toml"
    assert (done.code, "tiny-found: the best of 9 trials, at most 2,000 bits" in done.words) == (
        0, True)
    assert "one width for all weights:" in done.words
    assert f"Next: hwgen compress MODEL.py --recipe {path}" in "".join(done.out.split("\n"))
    assert Recipe.load(path).budget.bits == 2_000
    found = hwgen("compress", model, "--recipe", path, "-o", tmp_path / "out", "--json").json
    assert found["bits"] <= 2_000


def test_what_follows_has_the_data_that_were_given(hwgen, tmp_path):
    write_digits(tmp_path / "mnist", train=200, test=20)
    model, *rest = files(tmp_path)
    model.write_text(MODEL.replace("64", "784"), encoding="utf-8")
    done = hwgen("search", model, *rest, "--budget-bits", "99999", "--trials", "1", "--data",
                 tmp_path / "mnist")
    assert f"tiny-found.toml --data {tmp_path / 'mnist'}" in "".join(done.out.split("\n"))


def test_a_field_that_is_another_one_since(hwgen, tmp_path):
    model, *rest = files(tmp_path)
    words = (model, *rest, "--budget-bits", "4000", "--trials", "1", "--weight-bits", "4")
    assert hwgen("search", *words).code == 0
    path = rest[1]
    path.write_text(path.read_text().replace("lr = 0.02", "lr = 0.03"), encoding="utf-8")
    for verb, given in (("search", words), ("sensitivity", (
            model, *rest, "--weight-bits", "4", "--activation-bits", "4", "--densities", "0.5"))):
        done = hwgen(verb, *given)
        assert (done.code, "begin anew: --fresh" in done.err) == (1, True)
        path.write_text(path.read_text().replace("0.03", "0.04"), encoding="utf-8")
        assert hwgen(verb, *given, "--fresh").code == 0
        path.write_text(path.read_text().replace("0.04", "0.05"), encoding="utf-8")


def test_luts_that_are_too_few_and_a_helper(hwgen, tmp_path, monkeypatch):
    helped = []

    class Process:
        pid, exitcode = 1, 3

        def __init__(self, *, target, args):
            self.target, self.args = target, args

        def start(self):
            helped.append(self.target(*self.args))

        def join(self):
            helped.append("joined")

    context = SimpleNamespace(Process=Process)
    monkeypatch.setattr(search.multiprocessing, "get_context", lambda kind: context)
    model, *rest = files(tmp_path)
    done = hwgen("search", model, *rest, "--budget-luts", "100", "--trials", "2", "--interval",
                 "400", "--weight-bits", "2..3", "--activation-bits", "2", "--workers", "2")
    assert (done.code, helped) == (1, [None, "joined"])
    assert "budget must be met, at most 100 LUTs of ulx3s-85f, interval 400; the best" in done.err
    path = tmp_path / "out" / "tiny-unmet.toml"
    assert (f". Its recipe is written to {path}, for 'hwgen compress', without the budget that"
            f" it does not meet" in done.err)
    assert "a further process ended with exit code 3" in done.err
    found = json.loads((tmp_path / "out" / "tiny-unmet.json").read_text())
    assert (found["is_met"], len(found["trials"])) == (False, 2)
    assert 100 < found["best"]["cost"] < 5_000


def test_the_recipe_that_is_beyond_the_budget_can_be_carried_out(hwgen, tmp_path):
    model, *rest = files(tmp_path)
    met = tmp_path / "out" / "tiny-found.toml"
    assert hwgen("search", model, *rest, "--budget-bits", "9999", "--trials", "1").code == 0
    kept = met.read_text(), met.with_suffix(".json").read_text()
    done = hwgen("search", model, *rest, "--budget-bits", "10", "--trials", "1")
    assert (done.code, "budget must be met, at most 10 bits" in done.err) == (1, True)
    path = tmp_path / "out" / "tiny-unmet.toml"
    assert "[budget]" not in path.read_text()
    assert (met.read_text(), met.with_suffix(".json").read_text()) == kept
    done = hwgen("compress", model, "--recipe", path, *rest[2:])
    assert (done.code, "Written to" in done.out) == (0, True)


def test_options_that_are_none(hwgen, tmp_path):
    model, *rest = files(tmp_path)
    for options, reason in (
            ((), "budget: must be given, of bits or of LUTs"),
            (("--budget-bits", "9", "--density", "a"), "--density must be a number, or two as in"
                                                       " 0.02..1, not 'a'")):
        done = hwgen("search", model, *rest, *options)
        assert (done.code, reason in done.err) == (1, True)
