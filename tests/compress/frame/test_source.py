"""The file of a model: its random weights follow from the seed."""

import pytest
import torch

from hwgen.compress.frame.source import load_source

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
