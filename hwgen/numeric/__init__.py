"""Number formats as objects, rounding and bit packing. Imports numpy and nothing of hwgen."""

from .errors import SpecError
from .formats import (
    Bipolar,
    Codebook,
    Fixed,
    Format,
    PowerOfTwo,
    Ternary,
    format_from_dict,
    format_to_dict,
)
from .packing import pack_row, pack_rows, unpack_rows
from .rounding import ROUNDINGS, round_shift, saturate

__all__ = [
    "Bipolar", "Codebook", "Fixed", "Format", "PowerOfTwo", "ROUNDINGS", "SpecError", "Ternary",
    "format_from_dict", "format_to_dict", "pack_row", "pack_rows", "round_shift", "saturate",
    "unpack_rows",
]
