"""What all tests share: bounded threads, reproducible random numbers."""

import os
import zlib

# Before anything imports numpy or torch: the workers of `make test` share two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Plots are written to files; no window system is asked for.
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest
from hypothesis import settings

# derandomize: a red test is red again on the next run; a wider search is asked for by
# `--hypothesis-profile=wide`. No deadline, because simulators share the machine with the tests.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("wide", deadline=None, max_examples=2000)
settings.load_profile("repeatable")


def pytest_addoption(parser):
    """Add ``--seed``."""
    parser.addoption("--seed", type=int, help="seed of the `rng` fixture, as printed by a red test")


@pytest.fixture
def rng(request):
    """Random numbers of this test alone; its seed is printed, and shown when the test fails."""
    seed = request.config.getoption("seed")
    if seed is None:
        seed = zlib.crc32(request.node.nodeid.encode())
    print(f"rng: --seed {seed}")
    return np.random.default_rng(seed)
