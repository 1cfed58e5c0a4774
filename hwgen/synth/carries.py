"""Carry cells of an ECP5 whose inputs are tied to 0, in the netlist for nextpnr."""

__all__ = ["fold_zeros", "free_zeros"]

_INPUTS = "ABCD"


def free_zeros(module: dict) -> int:
    """Tie to 1, in a module of a netlist, the inputs of CCU2C cells that are tied to 0.

    An input that is not connected reads as 1, so nextpnr leaves those tied to 1 out; but it brings
    0 to each of the others through the fabric. In a folded core they are every seventh arc, all
    of one net, and the router takes many times longer. The table of the cell absorbs the value.

    Returns
    -------
    int    How many inputs there were.
    """
    return sum(_free(cell) for cell in module["cells"].values() if cell["type"] == "CCU2C")


def _free(cell) -> int:
    freed = 0
    for half in "01":
        pins = [f"{name}{half}" for name in _INPUTS]
        zeros = [k for k, pin in enumerate(pins) if cell["connections"].get(pin) == ["0"]]
        key = f"INIT{half}"
        if not zeros or set(cell["parameters"][key]) - set("01"):
            continue
        table = int(cell["parameters"][key], 2)
        cell["parameters"][key] = f"{fold_zeros(table, zeros):016b}"
        for k in zeros:
            cell["connections"][pins[k]] = ["1"]
        freed += len(zeros)
    return freed


def fold_zeros(table: int, zeros) -> int:
    """The table that gives, whatever the inputs ``zeros`` are, what ``table`` gives at 0.

    A table has an entry for each ``d c b a``; input 0 is A. The cell's generate function is
    entries 0 to 3, of A and B, and is folded with the rest.
    """
    mask = sum(1 << k for k in zeros)
    return sum((table >> (index & ~mask) & 1) << index for index in range(16))
