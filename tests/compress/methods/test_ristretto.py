"""Ristretto: no narrower width is tolerated, and nothing is trained on what it looks at."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps

from hwgen.compress import Recipe, compress
from hwgen.compress.frame.step import Step
from hwgen.compress.held import judged
from hwgen.compress.methods import HoldBack, Quantise, Ristretto, Train
from hwgen.compress.methods.ristretto import narrowest
from hwgen.compress.methods.widths import rounded
from hwgen.numeric import SpecError

NEEDS = {"convolutions": 4, "linear": 3, "activations": 6}


def apart(bits):
    """A percent for each bit that a group lacks."""
    return float(sum(max(0, NEEDS[group] - width) for group, width in bits.items()))


def test_each_group_has_the_fewest_bits():
    assert narrowest(apart, list(NEEDS), 0.0, 2, 12) == (NEEDS, 0.0)
    assert narrowest(apart, list(NEEDS), 1.0, 4, 12)[0] == {
        "convolutions": 4, "linear": 4, "activations": 5}


def test_together_they_get_more_until_it_is_tolerated():
    bits, error = narrowest(apart, list(NEEDS), 1.0, 2, 12)
    assert error == 1.0     # alone each may lack one bit
    assert sum(bits.values()) == sum(NEEDS.values()) - 1
    assert narrowest(lambda bits: 9.0, ["linear"], 1.0, 2, 5) == ({"linear": 5}, 9.0)


def test_a_recipe_stays_within_its_tolerance(split):
    torch.manual_seed(0)
    step, seen = Ristretto(tolerance=2.0, most=8), {}

    class Look(Step):
        kind = "look"

        def apply(self, run):
            seen.update(model=run.model.eval(), held=run.held, samples=run.samples(),
                        train=run.split.x_train, test=run.split.x_test)

    result = compress(Plain(), Recipe((HoldBack(count=300), Train(epochs=4, lr=1e-2), Look(), step),
                                      name="r"), split)
    notes, held = result.notes["ristretto"], seen["held"]
    assert notes["error"] <= notes["float_error"] + 2.0
    assert notes["is_tolerated"]
    assert notes["float_error"] == judged(seen["model"], held.x_test, held.y_test)[0]
    assert (result.module.fc1.bits, result.module.relu.bits) == (
        notes["bits"]["linear"], notes["bits"]["activations"])
    assert judged(result.module, held.x_test, held.y_test)[0] == notes["error"]
    linear = notes["bits"]["linear"] - 1
    narrower = rounded(seen["model"], seen["samples"], "ristretto",
                       dict.fromkeys(("fc1", "fc2", "fc3"), linear), {})
    assert linear < 2 or judged(narrower, held.x_test, held.y_test)[0] > notes["float_error"] + 2
    assert len(seen["train"]) == len(split.x_train) - 300
    assert np.array_equal(seen["train"], held.x_train)
    assert np.array_equal(seen["test"], split.x_test)


def test_convolutions_have_a_width_of_their_own(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((HoldBack(count=100), Ristretto(tolerance=90.0, most=3)),
                                          name="m"), as_maps(split))
    assert set(result.notes["ristretto"]["bits"]) == {"convolutions", "linear", "activations"}
    assert result.module.conv1.bits == result.module.conv2.bits == 2


@pytest.mark.parametrize(("steps", "reason"), [
    ((Ristretto(),), "recipe 'r': step 1 'ristretto': must come after a step that holds training"
                     " samples back, such as 'hold-back': its errors are those of samples that"
                     " nothing was trained on"),
    ((HoldBack(), HoldBack()), "recipe 'r': step 2 'hold-back': must not come after step 1"
                               " 'hold-back', which holds training samples back: leave one of"
                               " the two out"),
    ((HoldBack(count=5_000),), "recipe 'r': step 1 'hold-back': count must be in 1..1296, not"
                               " 5000")])
def test_steps_that_do_not_go_together(split, steps, reason):
    with refused(SpecError, reason):
        compress(Plain(), Recipe(steps, name="r"), split)


def test_fields_that_are_none():
    with refused(SpecError, "ristretto: tolerance must be at least 0 and at most 100, not -1"):
        Ristretto(tolerance=-1)
    with refused(SpecError, "hold-back: count must be at least 1, not 0"):
        HoldBack(count=0)


def test_the_float_network_is_the_one_trained_behind_hold_back(split):
    torch.manual_seed(0)
    steps = HoldBack(), Train(epochs=8, lr=0.01), Quantise(weight_bits=12, activation_bits=12)
    accuracy = compress(Plain(), Recipe(steps), split).accuracy
    assert abs(accuracy["float"] - accuracy["golden"]) < 2
    assert accuracy["float"] > 70
