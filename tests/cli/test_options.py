"""Options that several commands share."""

import re

import numpy as np
import pytest

from hwgen.cli.options import clock_hz, cores, load_integers, weights_of_all
from hwgen.numeric.errors import SpecError


def refused(message):
    return pytest.raises(SpecError, match=f"^{re.escape(message)}$")


def test_choices_are_gathered_by_node():
    assert cores(pe=["fc1=8", "fc2=4"], simd=["fc1=16"], core=["fc2=sparse"]) == {
        "fc1": {"pe": 8, "simd": 16}, "fc2": {"pe": 4, "core": "sparse"}}
    assert cores(pe=None, planes=["fc1=4"], memory=["fc1=logic", "fc2=block"]) == {
        "fc1": {"planes": 4, "memory": "logic"}, "fc2": {"memory": "block"}}
    assert cores(pe=None, simd=None, core=None) == {}
    assert cores(core=["fc1=fixed,multipliers=luts", "fc2=fixed,packing=none"]) == {
        "fc1": {"core": "fixed", "multipliers": "luts"},
        "fc2": {"core": "fixed", "packing": "none"}}
    assert cores(core=["fc1=binary,levels_per_register=1"]) == {
        "fc1": {"core": "binary", "levels_per_register": 1}}
    assert cores(core=["fc1=sparse,queue_depth=fitted", "fc2=sparse,queue_depth=16"]) == {
        "fc1": {"core": "sparse", "queue_depth": "fitted"},
        "fc2": {"core": "sparse", "queue_depth": 16}}
    assert cores(core=["fc1=sparse,index=relative,index_bits=4,values=codes"]) == {
        "fc1": {"core": "sparse", "index": "relative", "index_bits": 4, "values": "codes"}}


@pytest.mark.parametrize("text", ["fixed,", "fixed,luts", "fixed,pe=4", "fixed,multipliers="])
def test_what_a_core_is_told_beside_must_be_a_choice_without_an_option(text):
    rest = text.partition(",")[2]
    with refused("--core of 'fc1' must be a core and then levels_per_register=WHAT or"
                 f" multipliers=WHAT or packing=WHAT or weights=WHAT or queue_depth=WHAT or"
                 f" lanes=WHAT or index=WHAT or index_bits=WHAT or values=WHAT or"
                 f" pointers=WHAT or block_rows=WHAT or block_columns=WHAT or column_groups=WHAT or"
                 f" group=WHAT, not {rest!r}"):
        cores(core=[f"fc1={text}"])


@pytest.mark.parametrize("text", ["fc1", "fc1=", "=8", ""])
def test_choice_must_name_node_and_value(text):
    with refused(f"--pe must be NODE=VALUE, such as fc1=8, not {text!r}"):
        cores(pe=[text], simd=None, core=None)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "08", "+8"])
def test_folding_must_be_a_positive_number(text):
    with refused(f"--simd of 'fc1' must be a positive whole number, not {text!r}"):
        cores(pe=None, simd=[f"fc1={text}"], core=None)


def test_core_must_be_known():
    with refused("--core of 'fc1' must be one of binary, binary-unrolled, codebook, fixed,"
                 " fixed-unrolled, nm, shift, sparse, sparse-columns, not 'dense'"):
        cores(pe=None, simd=None, core=["fc1=dense"])


def test_memory_must_be_known():
    with refused("--memory of 'fc1' must be one of auto, block, logic, not 'sram'"):
        cores(memory=["fc1=sram"])


def test_weights_of_one_node_and_of_all():
    assert cores(weights=["fc1=ram"]) == {"fc1": {"weights": "ram"}}
    assert cores(core=["fc1=fixed,weights=ram"]) == {"fc1": {"core": "fixed", "weights": "ram"}}
    assert weights_of_all(None) == (None, [])
    assert weights_of_all(["ram", "fc2=rom"]) == ("ram", ["fc2=rom"])
    with refused("--weights of 'fc1' must be one of rom, ram, not 'flash'"):
        cores(weights=["fc1=flash"])
    with refused("--weights must be one of rom, ram, not 'flash'"):
        weights_of_all(["flash"])
    with refused("--weights of all nodes must be given once, not 2 times"):
        weights_of_all(["ram", "rom"])


def test_choice_is_given_once():
    with refused("--pe of 'fc1' must be given once, not twice"):
        cores(pe=["fc1=8", "fc1=8"], simd=None, core=None)


def test_clock():
    assert clock_hz(None) is None
    assert clock_hz(12.5) == 12_500_000


@pytest.mark.parametrize("mhz", [0, -1, 10_000, float("nan")])
def test_clock_must_be_one(mhz):
    with refused(f"--clk-mhz must be above 0 and below 10000, not {mhz:g}"):
        clock_hz(mhz)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64"])
def test_integers_are_loaded_as_int64(tmp_path, dtype):
    np.save(tmp_path / "x.npy", np.arange(6, dtype=dtype).reshape(2, 3))
    array = load_integers(tmp_path / "x.npy", "x")
    assert array.dtype == np.int64
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("dtype", ["float64", "bool", "complex64"])
def test_other_numbers_are_refused(tmp_path, dtype):
    path = tmp_path / "x.npy"
    np.save(path, np.ones(3, dtype=dtype))
    with refused(f"x '{path}' must hold integers, not {dtype}"):
        load_integers(path, "x")


@pytest.mark.parametrize("content", [b"", b"hello, this is text", b"PK\x03\x04 an archive"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    message = re.escape(f"x '{path}' must be a .npy file, not damaged or another kind (")
    with pytest.raises(SpecError, match=f"^{message}"):
        load_integers(path, "x")


def test_cut_and_pickled_files_are_refused(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(100))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SpecError, match="must be a .npy file, not damaged or another kind"):
        load_integers(path, "x")
    np.save(path, np.array([{}], dtype=object))
    with pytest.raises(SpecError, match="Object arrays cannot be loaded"):
        load_integers(path, "x")
