"""Weights that are loaded while the hardware runs: their layout, and a network's as words."""

from collections.abc import Mapping

import numpy as np

from ..ir import Network
from ..plan import Design
from ..plan.stages.loaded_memory import WORD_BITS

__all__ = ["describe_loaded", "weight_words"]


def describe_loaded(design: Design) -> dict:
    """Port, length of a set in words, and each memory with the byte at which it begins."""
    memories, offset = [], 0
    for memory in design.loaded:
        memories.append(memory.to_dict() | {"offset": offset})
        offset += memory.words * WORD_BITS // 8
    return {"port": "s_axis_weights", "word_bits": WORD_BITS, "words": 8 * offset // WORD_BITS,
            "bytes": offset, "memories": memories}


def weight_words(layout: Mapping, network: Network) -> np.ndarray:
    """The set that loads the weights and biases of ``network``, uint32 ``(words,)``.

    Parameters
    ----------
    layout : mapping      entry ``weights`` of the manifest
    network : Network     of the structure, formats and ranges of the hardware's: see
                          :func:`hwgen.ir.replaced`
    """
    parts = []
    for memory in layout["memories"]:
        node = network.node(memory["node"])
        if memory["holds"] == "bias":
            bits = _bits(node.bias.reshape(memory["rows"], -1), memory["value_bits"])
        else:
            bits = _weight_bits(memory, node.weights.to_dense())
        pad = memory["row_words"] * layout["word_bits"] - bits.shape[1]
        padded = np.pad(bits, ((0, 0), (0, pad)))
        parts.append(np.packbits(padded, axis=1, bitorder="little").view("<u4").reshape(-1))
    return np.concatenate(parts).astype(np.uint32)


def _weight_bits(memory, dense) -> np.ndarray:
    """Bits of all rows, uint8 ``(rows, row_bits)``: pairs of outputs, then those alone."""
    pe, simd, pairs = memory["pe"], memory["simd"], memory["pairs"]
    n_out, n_in = dense.shape
    folded = dense.reshape(n_out // pe, pe, n_in // simd, simd)
    rows = np.moveaxis(folded, 2, 1).reshape(memory["rows"], pe, simd)
    low, high = rows[:, 0:2 * pairs:2], rows[:, 1:2 * pairs:2]
    alone = _bits(rows[:, 2 * pairs:].reshape(len(rows), -1), memory["value_bits"])
    if not pairs:
        return alone
    both = low + high * (1 << memory["value_bits"])
    return np.hstack([_bits(both.reshape(len(rows), -1), memory["pair_bits"]), alone])


def _bits(values, bits: int) -> np.ndarray:
    """Two's complement of each of ``values`` (rows, n), lowest bit first: ``(rows, n * bits)``."""
    return (values[:, :, None] >> np.arange(bits) & 1).astype(np.uint8).reshape(len(values), -1)
