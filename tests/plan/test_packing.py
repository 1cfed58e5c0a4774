"""The planner chooses how products share multiplier blocks; the target's family decides."""

from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.targets import ECP5, UP5K

from hwgen.ir import Dense, Input, MatVec, Network
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.planner import plan


def network(bits):
    values = np.random.default_rng(0).integers(-(1 << bits - 1), 1 << bits - 1, (8, 8))
    return Network("net", (Input("x", (), (8,), Fixed(8)),
                           MatVec("fc", ("x",), Dense(values, Fixed(bits)))), ("fc",))


@pytest.mark.parametrize(("target", "packing"), [
    (ECP5, "18x18"), (UP5K, "8x8"), (replace(ECP5, family="xc7"), "25x18"),
    (replace(ECP5, family="gowin"), "none")], ids=["ecp5", "ice40", "xc7", "gowin"])
def test_packing_is_the_family_s(target, packing):
    stage = plan(network(4), target, cores={"fc": {"pe": 4, "simd": 4}}).stages[0]
    assert (stage.packing, stage.blocks) == (packing, 16 if packing == "none" else 8)
    assert stage.folding.get("packing", "none") == packing
    assert stage.estimate(target).dsp == (16 if packing == "none" else 8)


@pytest.mark.parametrize(("family", "packing", "offered"), [
    ("ecp5", "8x8", "'18x18'"), ("ecp5", "25x18", "'18x18'"), ("ice40", "18x18", "'8x8'"),
    ("xc7", "18x18", "'25x18'"), ("gowin", "8x8", None)])
def test_what_no_block_offers_is_refused(family, packing, offered):
    target, listed = replace(ECP5, family=family), ["'none'", *filter(None, [offered])]
    with refused(SpecError, f"packing of 'fc' must be among [{', '.join(listed)}], which the"
                            f" multiplier blocks of 'test-ecp5' ({family}) offer, not"
                            f" '{packing}'"):
        plan(network(8), target, cores={"fc": {"packing": packing}})


def test_choice_comes_first_and_what_shares_nothing_is_not_told():
    fold = {"pe": 4, "simd": 4}
    plain = plan(network(4), ECP5, cores={"fc": fold | {"packing": "none"}}).stages[0]
    assert (plain.blocks, "packing" in plain.folding) == (16, False)
    wide = plan(network(8), ECP5, cores={"fc": fold}).stages[0]
    assert (wide.packing, wide.blocks, "packing" in wide.folding) == ("18x18", 16, False)
