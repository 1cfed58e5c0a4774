import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, weights_of

from hwgen.compress import Recipe, compress
from hwgen.compress.form import form_of, latent
from hwgen.compress.frame.prepare import prepared
from hwgen.compress.frame.run import Run
from hwgen.compress.methods import Lottery, Quantise
from hwgen.compress.methods.mask import Mask
from hwgen.numeric import SpecError


@pytest.mark.parametrize("rewind", [0, 1])
def test_each_training_begins_where_the_first_did_with_fewer_weights(split, plain, monkeypatch,
                                                                     rewind):
    step = Lottery(density={"fc1": 0.25}, rounds=2, rewind=rewind, epochs=1)
    run = Run(prepared(plain, split), Recipe((step, Quantise())), split)
    trained, starts, masks = run.train, [], []

    def train(given, **options):
        layer = run.matrices["fc1"]
        starts.append({name: value.detach().clone() for name, value in
                       run.model.named_parameters()})
        masks.append(form_of(layer, Mask).kept.clone())
        trained(given, **options)

    monkeypatch.setattr(run, "train", train)
    run.enter(0)
    step.apply(run)
    assert [round(float(mask.float().mean()), 3) for mask in masks] == [1, 1, 0.5, 0.25]
    assert not (masks[3] & ~masks[2]).any()
    for later in starts[2:]:
        assert all(torch.equal(value, starts[1][name]) for name, value in later.items())
    assert torch.equal(starts[0]["fc2.weight"], starts[1]["fc2.weight"]) == (rewind == 0)
    assert not torch.equal(latent(run.matrices["fc1"]), starts[1]["fc1.parametrizations.weight"
                                                                  ".original"])


def test_the_ticket_is_exported_and_compared_with_the_whole_network(split):
    torch.manual_seed(0)
    recipe = Recipe((Lottery(density=0.3, rounds=2, epochs=4, lr=0.01),
                     Quantise(weight_bits=12)), name="ticket")
    result = compress(Plain(), recipe, split)
    assert result.accuracy["torch"] == result.accuracy["golden"] > 60
    assert result.accuracy["float"] > 60
    for values in weights_of(result.network).values():
        assert (values != 0).mean() <= 0.3 + 1e-3


def test_a_round_must_train():
    with refused(SpecError, "lottery: epochs must be at least 1, not 0"):
        Lottery(density=0.5)
