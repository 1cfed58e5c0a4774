"""How many LUTs and flip-flops the cells of a netlist take up."""

from collections import Counter

__all__ = ["FLIP_FLOPS", "LUTS", "OCCUPIED", "lone_flip_flops", "route_throughs"]

LUTS = ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2", "INV", "SB_LUT4")
"""Cells that are one LUT each: of 4 inputs, of 6 on Xilinx, where no two are taken to share one."""

OCCUPIED = {
    **dict.fromkeys(LUTS, 1),
    # ECP5: a carry cell is two LUTs, distributed RAM four and two for its write port.
    "CCU2C": 2, "TRELLIS_DPR16X4": 6,
    # Gowin: an ALU is a LUT with its carry; memory as on the ECP5.
    "ALU": 1, "RAM16SDP4": 6,
    # Xilinx 7: LUTs of SLICEMs.
    "SRL16E": 1, "SRLC16E": 1, "SRLC32E": 1,
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4,
    "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM256X1D": 8,
    "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8,
}
"""Cell type -> LUTs that it takes up. A carry of an iCE40 lies beside a LUT; CARRY4 too, but see
:func:`route_throughs`."""

FLIP_FLOPS = ("TRELLIS_FF", "SB_DFF", "FDRE", "FDSE", "FDCE", "FDPE", "DFF")
"""How the names of flip-flops begin."""

_STAGES = 4


def route_throughs(module: dict) -> int:
    """LUTs of Xilinx slices that only pass a signal to the carry chain beside them.

    The select input of a carry stage comes from the LUT of the same slice alone. A stage that is
    used, and whose select is neither constant nor the output of a LUT of its own, takes up one.

    Parameters
    ----------
    module : dict    of the netlist in yosys's JSON
    """
    cells = module["cells"].values()
    chains = [cell["connections"] for cell in cells if cell["type"] == "CARRY4"]
    if not chains:
        return 0
    outputs = Counter(bit for cell in cells if cell["type"] in LUTS
                      for port in ("O", "O6") for bit in cell["connections"].get(port, ()))
    read, missing = _read(module), 0
    for select in (bit for pins in chains for bit in _selects(pins, read)):
        if outputs[select]:
            outputs[select] -= 1
        else:
            missing += 1
    return missing


def _selects(pins: dict, read: set) -> list:
    """Select bits of the stages up to the last of which anything is read."""
    used = [k for k in range(_STAGES)
            if any(bit in read for port in ("O", "CO") for bit in pins.get(port, ())[k:k + 1])]
    stages = pins["S"][:used[-1] + 1] if used else []
    return [bit for bit in stages if not isinstance(bit, str)]


def _read(module: dict) -> set:
    """All bits that a cell or an output port reads."""
    bits = {bit for cell in module["cells"].values() for port, pin in cell["connections"].items()
            if cell["port_directions"][port] != "output" for bit in pin}
    return bits.union(*(port["bits"] for port in module["ports"].values()))


def lone_flip_flops(module: dict) -> int:
    """Flip-flops of an iCE40 that no LUT shares its logic cell with.

    A LUT does if its output goes to that flip-flop and nowhere else.
    """
    cells, users = module["cells"].values(), Counter()
    for cell in cells:
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                users.update(bits)
    luts = {cell["connections"]["O"][0] for cell in cells if cell["type"] == "SB_LUT4"}
    inputs = [cell["connections"]["D"][0] for cell in cells if cell["type"].startswith("SB_DFF")]
    return sum(not (bit in luts and users[bit] == 1) for bit in inputs)
