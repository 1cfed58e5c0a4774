"""Flip-flops behind block RAM that become its registers, and those that may not."""

import pytest

from hwgen.synth.block_registers import MOST_READERS, take_in_registers

CLOCK, READ = 1, 10


def flip_flop(data, out, **changed):
    parameters = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"}
    pins = {"CLK": [CLOCK], "DI": [data], "LSR": ["0"], "Q": [out]}
    for key, value in changed.items():
        (parameters if key in parameters else pins)[key] = value
    return {"type": "TRELLIS_FF", "parameters": parameters, "connections": pins,
            "port_directions": {pin: "output" if pin == "Q" else "input" for pin in pins}}


def module(width, pins, *registers, ports=()):
    """A block RAM whose outputs ``pins`` have nets from READ on, and flip-flops."""
    outputs = {pin: [READ + k] for k, pin in enumerate(pins)}
    inputs = {"CLKA": [CLOCK], "CLKB": [CLOCK], "OCEA": ["0"], "OCEB": ["0"]}
    block = {"type": "DP16KD", "connections": outputs | inputs,
             "parameters": {"DATA_WIDTH_A": f"{width:032b}", "DATA_WIDTH_B": f"{width:032b}",
                            "REGMODE_A": "NOREG", "REGMODE_B": "NOREG"},
             "port_directions": dict.fromkeys(outputs, "output") | dict.fromkeys(inputs, "input")}
    cells = {"block": block} | {f"ff{k}": cell for k, cell in enumerate(registers)}
    return {"ports": {"y": {"bits": list(ports)}}, "cells": cells}


def modes(found):
    block = found["cells"]["block"]
    return [block["parameters"][f"REGMODE_{port}"] for port in "AB"], [
        block["connections"][f"OCE{port}"] for port in "AB"]


def test_whole_rows_are_registered_in_both_halves():
    found = module(36, ["DOA0", "DOB3"], flip_flop(READ, 20), flip_flop(READ + 1, 21))
    assert take_in_registers(found) == 2
    assert list(found["cells"]) == ["block"]
    pins = found["cells"]["block"]["connections"]
    assert (pins["DOA0"], pins["DOB3"]) == ([20], [21])
    assert modes(found) == (["OUTREG", "OUTREG"], [["1"], ["1"]])
    assert take_in_registers(found) == 0


def test_ports_of_halves_are_registered_one_by_one():
    found = module(18, ["DOA0", "DOB0", "DOB1"], flip_flop(READ, 20), flip_flop(READ + 1, 21),
                   ports=[READ + 2])
    assert take_in_registers(found) == 1
    assert list(found["cells"]) == ["block", "ff1"]
    assert modes(found) == (["OUTREG", "NOREG"], [["1"], ["0"]])


def test_outputs_that_nothing_reads_do_not_matter():
    found = module(36, ["DOA0", "DOB3"], flip_flop(READ + 1, 21))
    assert take_in_registers(found) == 1


@pytest.mark.parametrize("changed", [
    {"CLK": [2]}, {"CLKMUX": "INV"}, {"CEMUX": "CE", "CE": [3]}, {"LSR": [3]},
    {"LSRMUX": "INV"}, {"REGSET": "SET"},
], ids=lambda changed: next(iter(changed)))
def test_registers_of_another_kind_stay(changed):
    found = module(36, ["DOA0", "DOB3"], flip_flop(READ, 20), flip_flop(READ + 1, 21, **changed))
    assert take_in_registers(found) == 0
    assert modes(found) == (["NOREG", "NOREG"], [["0"], ["0"]])
    assert len(found["cells"]) == 3


@pytest.mark.parametrize("more", [{"ports": [READ]}, {}], ids=["port", "cell"])
def test_a_word_that_is_read_elsewhere_too_stays(more):
    also = () if more else (flip_flop(READ, 22),)
    found = module(36, ["DOA0"], flip_flop(READ, 20), *also, **more)
    assert take_in_registers(found) == 0


def test_a_register_that_is_always_enabled_goes():
    found = module(36, ["DOA0"], flip_flop(READ, 20, CEMUX="CE", CE=["1"]))
    assert take_in_registers(found) == 1


@pytest.mark.parametrize(("readers", "taken"), [(MOST_READERS, 1), (MOST_READERS + 1, 0)])
def test_a_register_that_many_read_stays_where_it_can_be_placed_among_them(readers, taken):
    found = module(36, ["DOA0"], flip_flop(READ, 20),
                   *(flip_flop(20, 30 + k) for k in range(readers)))
    assert take_in_registers(found) == taken
