"""Entropy coding: relative indices and codebook numbers each in a Huffman code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hwgen.numeric import SpecError

from ..frame.prepare import integers_of
from ..frame.step import FIXED, Step
from ..frame.storage import STORAGES

__all__ = ["Code"]

FEWEST = "fewest"


@dataclass(frozen=True, kw_only=True)
class Code(Step):
    """Choose how matrices are stored: in a Huffman code, unless told otherwise.

    Changes no integer, so nothing is trained.

    Parameters
    ----------
    storage : str, or mapping of layer to str    a storage of the account, or ``fewest``, of all
    """

    kind: ClassVar[str] = "code"
    text: ClassVar[str] = "store matrices in a Huffman code (or another storage), to the bit"
    source: ClassVar[str] = "arXiv 1510.00149"
    storage: str | Mapping[str, str] = "huffman"

    def check(self):
        for what, kind in self._values("storage"):
            if kind not in (*STORAGES, FEWEST):
                raise SpecError(f"{what} must be one of {[*STORAGES, FEWEST]}, not {kind!r}")

    def validate(self, context):
        """Of integers alone."""
        context.per_layer("storage", self.storage)
        context.need(FIXED, "floats have no exact size: quantise before 'code'")
        context.mark("coded")

    def apply(self, run):
        """Note it for the account."""
        for name, kind in run.per_layer("storage", self.storage).items():
            run.storage[name] = kind if kind != FEWEST else self._fewest(run.matrices[name])

    def _fewest(self, layer) -> str:
        integers, bits = integers_of(layer)
        return min(STORAGES, key=lambda kind: STORAGES[kind].bits(integers, bits))
