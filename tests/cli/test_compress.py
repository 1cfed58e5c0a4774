"""``hwgen compress``: a model's file and a recipe's, to a network."""

import json
from dataclasses import replace

from hwgen.cli.compress import _held
from hwgen.compress.frame.account import Account, Entry
from hwgen.ir import load

MODEL = """
from torch import nn

def model():
    return nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 10))
"""
RECIPE = """
name = "tiny"
[budget]
bits = {bits}
[[step]]
kind = "train"
epochs = 2
lr = 0.02
[[step]]
kind = "quantise"
weight_bits = {{ "0" = 5, "*" = 6 }}
"""


def files(tmp_path, bits=100_000):
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE.format(bits=bits), encoding="utf-8")
    return tmp_path / "model.py", "--recipe", tmp_path / "recipe.toml", "-o", tmp_path / "out"


def test_a_network_with_its_size(hwgen, tmp_path):
    done = hwgen("compress", *files(tmp_path))
    assert done.code == 0
    network = load(tmp_path / "out" / "tiny.hwgen")
    bits = network.meta["compression"]["bits"]
    assert f"{bits:,} bits," in done.words
    assert "torch and golden agree on every score" in done.words
    path = tmp_path / "out" / "tiny.hwgen"
    assert f"Next: hwgen generate {path}" in "".join(done.out.split("\n"))
    assert (tmp_path / "out" / "checkpoints" / "tiny-1-train.ckpt").is_file()

    assert "as the cores' memories hold" not in done.words


def test_what_memories_hold_of_a_code_that_no_core_reads(hwgen, tmp_path):
    words = files(tmp_path)
    with words[2].open("a", encoding="utf-8") as file:
        file.write('[[step]]\nkind = "code"\n')
    done = hwgen("compress", *words)
    found = json.loads((tmp_path / "out" / "tiny.json").read_text())
    assert found["memory_bits"] != found["bits"]
    assert f"{found['memory_bits']:,} bits as the cores' memories hold the same" in done.words


def test_sparse_layers_are_named_whose_elements_a_plan_chooses():
    held = (Entry("fc1", "weights", 80, "columns"), Entry("fc1", "index", 40, "columns"),
            Entry("fc2", "weights", 10, "plain"))
    account = Account((Entry("fc1", "weights", 50, "huffman"), held[2]), 100, 30, 90, held)
    assert _held(account) == (
        "[bold]130 bits[/] as the cores' memories hold the same, where no core is chosen by hand"
        " and fc1 has one element with absolute indices; hwgen generate counts what is planned\n")
    assert _held(replace(account, entries=held)) == ""


def test_as_json(hwgen, tmp_path):
    found = hwgen("compress", *files(tmp_path), "--json").json
    assert found["network"] == str(tmp_path / "out" / "tiny.hwgen")
    assert found["bits"] == sum(found["by_part"].values())
    assert json.loads((tmp_path / "out" / "tiny.json").read_text())["digest"] == found["digest"]


def test_floats_of_the_model_file_are_one_line(hwgen, tmp_path):
    words = files(tmp_path)
    words[0].write_text(MODEL + """
import numpy as np
from hwgen.compress import Split

x, y = np.ones((4, 64)) / 3, np.arange(4)
data = Split(x, y, x, y)
""", encoding="utf-8")
    done = hwgen("compress", *words)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith(f"error: model file '{words[0]}', line 11: TypeError: split: x_train"
                               f" must be a numpy array of integers, as they arrive on wires, not"
                               f" one of float64: scale and round")


def test_a_budget_that_is_not_met_is_a_failure_that_leaves_the_best(hwgen, tmp_path):
    done = hwgen("compress", *files(tmp_path, bits=10))
    assert done.code == 1
    assert "recipe 'tiny': budget must be met, at most 10 bits; the best found has" in done.err
    path = tmp_path / "out" / "tiny.hwgen"
    assert path.is_file()
    assert f". It is written to {path}, which 'hwgen generate' takes" in done.err


def test_a_field_that_is_another_one_since(hwgen, tmp_path):
    words = files(tmp_path)
    assert hwgen("compress", *words).code == 0
    path = words[2]
    path.write_text(path.read_text().replace("lr = 0.02", "lr = 0.03"), encoding="utf-8")
    done = hwgen("compress", *words)
    assert (done.code, "--fresh (fresh=True in Python)" in done.err) == (1, True)
    assert hwgen("compress", *words, "--fresh").code == 0
    assert hwgen("compress", *words).code == 0


def test_files_that_are_none(hwgen, tmp_path):
    model, *rest = files(tmp_path)
    model.write_text("net = 3", encoding="utf-8")
    done = hwgen("compress", model, *rest)
    assert (done.code, "must hold 'model', a torch.nn.Module" in done.err) == (1, True)
    done = hwgen("compress", tmp_path / "none.py", *rest)
    assert (done.code, "must be there, and is not" in done.err) == (1, True)
