"""Shared weights: the codebook core, or where LUTs hold no memories what is cheaper."""

import numpy as np
import pytest
from cases.targets import ECP5, UP5K

from hwgen.ir import Input, MatVec, Network, Shared
from hwgen.numeric import Bipolar, Fixed
from hwgen.plan import plan


def shared(centroids, n=64, x=Fixed(8)):
    rng = np.random.default_rng(centroids)
    values = np.sort(rng.choice(np.arange(1, 100), centroids, replace=False))
    matrix = Shared(rng.integers(0, centroids, (n, n)), values)
    return Network("net", (Input("x", (), (n,), x), MatVec("fc", ("x",), matrix)), ("fc",))


def stage(network, target=UP5K, **options):
    return plan(network, target, **{"interval_cycles": 512} | options).stages[0]


def test_many_centroids_are_multiplied_on_an_ice40():
    """16 sums of a lane would be 6,600 logic cells, of the 5,280 that there are."""
    assert stage(shared(16)).core == "fixed"
    assert stage(shared(16)).estimate(UP5K).lut < 1000
    assert stage(shared(16), ECP5).core == "codebook"


def test_few_centroids_and_slow_designs_keep_it():
    assert stage(shared(2), interval_cycles=4096).core == "codebook"


@pytest.mark.parametrize(("network", "options"), [
    (shared(4), {"cores": {"fc": {"core": "codebook"}}}), (shared(4), {"weights": "ram"}),
    (shared(4, x=Bipolar()), {})], ids=["by-hand", "loaded", "signs"])
def test_where_there_is_no_choice(network, options):
    assert stage(network, interval_cycles=2048, **options).core == "codebook"
