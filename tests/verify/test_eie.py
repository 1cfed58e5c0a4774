"""The Verilog of an EIE engine: results of its vectors, in the cycles that are stated; stalls."""

import numpy as np
import pytest
from cases.eie import spec_of

from hwgen.emit.engines.eie import sample, through
from hwgen.flow.engine import build_engine, verify_engine

pytestmark = pytest.mark.cosim


def test_verilog_gives_every_result_in_the_cycles_that_are_stated(tmp_path, rng):
    spec = spec_of(3, 3, huffman=True, rows=8, queue_depth=1, vector=24)
    folder = build_engine(spec, tmp_path / "core")
    (work,) = sample(spec, rng)
    result = verify_engine(folder, products=[work])
    np.testing.assert_array_equal(result.products[0], through(work.layers, work.x)[0])
    assert result.cycles > 0
    assert verify_engine(folder, stalls="random", seed=2).compared == result.compared
