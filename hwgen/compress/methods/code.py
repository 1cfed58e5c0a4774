"""Entropy coding: relative indices and codebook numbers each in a Huffman code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hwgen.numeric import SpecError

from ..frame.marks import FIXED
from ..frame.prepare import integers_of
from ..frame.step import Step
from ..frame.storage import STORAGES, Elements, Engine

__all__ = ["Code"]

FEWEST = "fewest"

SHARED_OUT = ("columns", "huffman")
"""Storages that may be shared out over elements."""


@dataclass(frozen=True, kw_only=True)
class Code(Step):
    """Choose how matrices are stored: in a Huffman code, unless told otherwise.

    Changes no integer, so nothing is trained.

    Parameters
    ----------
    storage : str, or mapping of layer to str    a storage of the account, or ``fewest``, of all
    pe : int, or mapping of layer to int
        Elements over which rows are interleaved, each with entries and pointers of its own, as the
        sparse core and the EIE engine have them; of ``columns``, and of ``huffman`` what the engine
        is sent. 0: one memory for all. No element is counted without rows, but of an engine.
    index_bits, code_bits : int    with ``pe``, bits of a relative index, and of a weight's number;
                                   0 of ``code_bits``: as each layer needs
    lanes : int                    of an EIE engine that holds all layers; 0: a core for each layer
    """

    kind: ClassVar[str] = "code"
    text: ClassVar[str] = "store matrices in a Huffman code (or another storage), to the bit"
    source: ClassVar[str] = "arXiv 1510.00149"
    storage: str | Mapping[str, str] = "huffman"
    pe: int | Mapping[str, int] = 0
    index_bits: int = 0
    code_bits: int = 0
    lanes: int = 0

    def check(self):
        self.require_choice("storage", (*STORAGES, FEWEST))
        for name, most in (("pe", 256), ("index_bits", 8), ("code_bits", 8), ("lanes", 256)):
            self.require_int(name, 0, most)
        counts = {pe for _, pe in self._values("pe")}
        if any(counts) and not self.index_bits:
            raise SpecError("code: index_bits must be 1..8 where there are elements, not 0")
        if self.lanes and (len(counts) > 1 or max(counts) % self.lanes or not max(counts)):
            raise SpecError(f"code: lanes must divide pe, which is one for all layers of an engine,"
                            f" {self.pe!r}, not be {self.lanes}")

    def validate(self, context):
        """Of integers alone."""
        chosen = context.per_layer("storage", self.storage)
        for name, pe in context.per_layer("pe", self.pe).items():
            if pe and chosen.get(name) not in SHARED_OUT:
                raise SpecError(f"storage of '{name}' must be one of {list(SHARED_OUT)}, which"
                                f" elements have, not {chosen.get(name)!r}")
        context.need(FIXED, "floats have no exact size")
        context.mark("coded")

    def apply(self, run):
        """Note it for the account."""
        elements = run.per_layer("pe", self.pe)
        chosen = run.per_layer("storage", self.storage)
        held = [run.matrices[name] for name, pe in elements.items() if pe]
        for name, kind in chosen.items():
            layer = run.matrices[name]
            if elements.get(name):
                run.storage[name] = self._shared_out(kind, layer, elements[name], held)
            else:
                run.storage[name] = kind if kind != FEWEST else self._fewest(layer)

    def _shared_out(self, kind, layer, pe, held) -> Elements:
        given = {"index_bits": self.index_bits, "code_bits": self.code_bits or None,
                 "huffman": kind == "huffman"}
        if self.lanes:
            return Engine(pe=pe, lanes=self.lanes, **given,
                          matrices=lambda: [integers_of(each)[0] for each in held])
        return Elements(pe=min(pe, len(integers_of(layer)[0])), **given)

    def _fewest(self, layer) -> str:
        integers, bits = integers_of(layer)
        return min(STORAGES, key=lambda kind: STORAGES[kind].bits(integers, bits))
