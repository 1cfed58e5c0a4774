"""What the block RAMs of an ECP5 hold, read back from a netlist and from a routed design.

A DP16KD has 1024 words of 18 bits. ``INITVAL_xx`` holds sixteen of them, each in 20 bits, the
first lowest. 512 words of 36 bits are two of them each; the lower one is read at DOA.
"""

import json

import numpy as np

WORDS, BITS = 1024, 18


def words(cell) -> np.ndarray:
    """The 1024 words of 18 bits, bit 0 first: ``(1024, 18)``."""
    rows = []
    for k in range(WORDS // 16):
        text = cell["parameters"][f"INITVAL_{k:02X}"]
        value = np.array([bit == "1" for bit in reversed(text)], np.uint8)
        rows.append(value.reshape(16, 20))
    rows = np.concatenate(rows)
    assert not rows[:, BITS:].any()
    return rows[:, :BITS]


def rows_read(netlist, top: str, address: str, data: str, depth: int) -> np.ndarray:
    """Row ``r`` of the memory read at net ``address`` into net ``data``: bits ``(depth, width)``.

    Every bit of ``data`` must come from a block RAM of 512 rows with that very address.
    """
    module = json.loads(netlist.read_text())["modules"][top]
    nets = module["netnames"]
    lines = nets[address]["bits"]
    found = {}
    for cell in module["cells"].values():
        if cell["type"] != "DP16KD" or int(cell["parameters"]["DATA_WIDTH_A"], 2) != 36:
            continue
        pins = cell["connections"]
        if [pins[f"ADB{5 + k}"][0] for k in range(len(lines))] != lines:
            continue
        held = words(cell)
        for port, half in (("DOA", held[0::2]), ("DOB", held[1::2])):
            for k in range(BITS):
                found[pins[f"{port}{k}"][0]] = half[:depth, k]
    return np.stack([found[net] for net in nets[data]["bits"]], axis=1)


def routed(config) -> list[bytes]:
    """The contents of each block RAM in nextpnr's ``design.config``, 1024 words of 18 bits."""
    blocks, lines = [], iter(config.read_text().splitlines())
    for line in lines:
        if line.startswith(".bram_init"):
            values = []
            while len(values) < 2 * WORDS:
                values += [int(word, 16) for word in next(lines).split()]
            nine = (np.array(values)[:, np.newaxis] >> np.arange(9)) & 1
            blocks.append(nine.astype(np.uint8).reshape(WORDS, BITS).tobytes())
    return blocks
