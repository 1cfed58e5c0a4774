"""The file of a model: its random weights follow from the seed."""

import pytest
import torch
from cases.errors import refused

from hwgen.compress.frame.source import load_source
from hwgen.numeric import SpecError

LAYERS = "nn.Sequential(nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 10))"


@pytest.mark.parametrize("made", [f"model = {LAYERS}", f"def model():\n    return {LAYERS}"],
                         ids=["module", "function"])
def test_random_weights_follow_from_the_seed(tmp_path, made):
    path = tmp_path / "model.py"
    path.write_text(f"from torch import nn\n{made}\n", encoding="utf-8")
    torch.manual_seed(5)
    first, other = load_source(path, seed=1)[0], load_source(path, seed=2)[0]
    drawn = torch.rand(3)
    torch.manual_seed(6)
    again = load_source(path, seed=1)[0]
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn)        # those of the caller go on


@pytest.mark.parametrize(("text", "said"), [
    ("model = nn.Linear(2, 3)", "line 2: NameError: name 'nn' is not defined"),
    ("model = (", "line 2: SyntaxError: '(' was never closed"),
    ("def model():\n    raise ValueError", "line 3: ValueError"),
    ("def model():\n    raise ValueError('a\\n  b')", "line 3: ValueError: a b"),
    ("import json\nmodel = json.loads('')",
     "line 3: JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
    (f"from torch import nn\nmodel = {LAYERS}\ndef data(folder):\n    return 1 / 0",
     "line 5: ZeroDivisionError: division by zero"),
    (f"from torch import nn\nfrom hwgen.compress import Split\nmodel = {LAYERS}\n"
     "def data(folder):\n    return Split([], [], [], [])",
     "line 6: TypeError: split: x_train must be a numpy array of integers, as they arrive on wires,"
     " not a list: give np.array(x_train)")])
def test_what_the_file_raises_is_told_with_its_line(tmp_path, text, said):
    path = tmp_path / "model.py"
    path.write_text(f"\n{text}\n", encoding="utf-8")
    with refused(SpecError, f"model file '{path}', {said}"):
        load_source(path, seed=0)


def test_a_model_of_other_samples_is_told_where_they_come_from(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("from torch import nn\nmodel = nn.Sequential(nn.Linear(784, 10))\n",
                    encoding="utf-8")
    with pytest.raises(SpecError, match="must take samples of shape .*; samples are the 8x8 digits"
                                        " where there is no --data: give --data FOLDER for others"):
        load_source(path, seed=0)
