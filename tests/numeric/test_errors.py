"""What was meant instead of a name that is none."""

import pytest

from hwgen.numeric.errors import did_you_mean

KINDS = ["train", "prune", "prune-lamp", "quantise", "binary"]


@pytest.mark.parametrize(("name", "known", "meant"), [
    ("quantize", KINDS, "quantise"),
    ("Prune", KINDS, "prune"),
    ("prune_lamp", KINDS, "prune-lamp"),
    ("prun", KINDS, "prune"),
    ("weight_bit", ("weight_bits", "activation_bits"), "weight_bits"),
    ("steps", {"name": 1, "step": 2}, "step"),
    ("icebraker", iter(["ecp5-evn", "icebreaker"]), "icebreaker"),
])
def test_a_slip(name, known, meant):
    assert did_you_mean(name, known) == f"; did you mean '{meant}'?"


@pytest.mark.parametrize(("name", "known"), [
    ("fc3", ["fc1", "fc2"]), ("ulx3s-12f", ["ulx3s-85f"]), ("7", ["0", "2"]), ("nothing", KINDS),
    ("ternary", KINDS), ("pru", KINDS), ("", KINDS), (None, KINDS), (3, KINDS), ("prune", []),
])
def test_no_slip(name, known):
    assert did_you_mean(name, known) == ""
