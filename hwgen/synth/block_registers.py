"""Registers behind block RAMs of an ECP5, in the netlist for nextpnr: those of the blocks."""

from collections import defaultdict

__all__ = ["take_in_registers"]

WHOLE_ROW = 36
"""Bits of a word that needs the data pins of both ports, and is read at port B."""

MOST_READERS = 16
"""Of a register that is taken in. One that many read is better placed between them than in the
block: LFC's inputs go to 32 outputs all over the device, 11.7 ns of wires away from their blocks.
"""


def take_in_registers(module: dict) -> int:
    """Let the output registers of DP16KD blocks do, in a module of a netlist, what flip-flops do.

    From the clock to its outputs a block takes 5.7 ns, from its own registers 1 ns. Yosys does not
    use them. The flip-flops of a port go where every output that anything reads goes into one
    flip-flop and nowhere else, of the port's clock, without enable and reset, 0 at the start, and
    with no more than :data:`MOST_READERS`.

    Returns
    -------
    int    How many flip-flops there were.
    """
    readers = _readers(module)
    taken = 0
    for cell in list(module["cells"].values()):
        if cell["type"] == "DP16KD":
            for port, outputs in _ports(cell):
                taken += _take_in(module, readers, cell, port, outputs)
    return taken


def _readers(module) -> dict[int, list[tuple[str, str]]]:
    """Net -> cell and pin of each that reads it; the module's own outputs have no cell."""
    readers = defaultdict(list)
    for name, port in module["ports"].items():
        for net in port["bits"]:
            readers[net].append(("", name))
    for name, cell in module["cells"].items():
        for pin, nets in cell["connections"].items():
            if cell["port_directions"][pin] != "output":
                for net in nets:
                    readers[net].append((name, pin))
    return readers


def _ports(cell) -> list[tuple[str, str]]:
    """The ports that may be read, each with the ports whose data pins it takes."""
    if int(cell["parameters"]["DATA_WIDTH_B"], 2) == WHOLE_ROW:
        return [("B", "AB")]
    return [("A", "A"), ("B", "B")]


def _take_in(module, readers, block, port, outputs) -> int:
    pins = block["connections"]
    nets = {pin: pins[pin][0] for pin in pins
            if pin[:2] == "DO" and pin[2] in outputs and readers.get(pins[pin][0])}
    registers = {}
    for pin, net in nets.items():
        (name, at), *others = readers[net]
        cell = module["cells"].get(name)
        if others or cell is None or at != "DI" or not _is_plain(cell):
            return 0
        if cell["connections"]["CLK"] != pins[f"CLK{port}"]:
            return 0
        if len(readers[cell["connections"]["Q"][0]]) > MOST_READERS:
            return 0
        registers[pin] = name
    for pin, name in registers.items():
        pins[pin] = module["cells"].pop(name)["connections"]["Q"]
    for each in outputs if registers else ():
        block["parameters"][f"REGMODE_{each}"] = "OUTREG"
        pins[f"OCE{each}"] = ["1"]
    return len(registers)


def _is_plain(cell) -> bool:
    """Whether a cell is a flip-flop without enable and reset, which is 0 at the start."""
    if cell["type"] != "TRELLIS_FF":
        return False
    # Yosys puts a space behind a string that would else read as a number.
    settings = {key: value.strip() for key, value in cell["parameters"].items()}
    pins = cell["connections"]
    never_set = pins.get("LSR", ["0"]) == ["0"] and settings.get("LSRMUX", "LSR") == "LSR"
    enabled = settings.get("CEMUX", "1") == "1" or (
        settings["CEMUX"] == "CE" and pins.get("CE") == ["1"])
    return (never_set and enabled and settings.get("REGSET", "RESET") == "RESET"
            and settings.get("CLKMUX", "CLK") == "CLK")
