"""Number formats as objects, rounding and bit packing. Imports numpy and nothing of hwgen."""

from .describe import format_from_dict, format_to_dict
from .division import division_of
from .errors import SpecError, did_you_mean
from .formats import Bipolar, Codebook, Fixed, Format, PlaneMap, PowerOfTwo, Ternary
from .functions import ERROR_UNIT, FUNCTIONS, MAX_TABLE_BITS, Lines, piecewise_of, table_of
from .integers import as_array, as_int, as_int64
from .logarithmic import Logarithmic
from .packing import pack_row, pack_rows, unpack_rows
from .planes import Planes
from .rescale import DOUBLING_HIGH, INT32, SCALINGS, Scale, doubling_high, rescale, scale_of
from .rounding import MAX_SHIFT, ROUNDINGS, round_shift, saturate

__all__ = [
    "Bipolar", "Codebook", "DOUBLING_HIGH", "ERROR_UNIT", "FUNCTIONS", "Fixed", "Format", "INT32",
    "Lines", "Logarithmic", "MAX_SHIFT", "MAX_TABLE_BITS", "PlaneMap", "Planes", "PowerOfTwo",
    "ROUNDINGS", "SCALINGS", "Scale", "SpecError", "Ternary", "as_array", "as_int", "as_int64",
    "did_you_mean", "division_of", "doubling_high", "format_from_dict", "format_to_dict",
    "pack_row", "pack_rows", "piecewise_of", "rescale", "round_shift", "saturate", "scale_of",
    "table_of", "unpack_rows",
]
