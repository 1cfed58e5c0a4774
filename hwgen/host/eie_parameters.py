"""The parameters of an EIE engine's layers, and how they must agree with each other."""

from collections.abc import Mapping, Sequence

from hwgen.numeric import SpecError

__all__ = ["PARAMETERS", "parameters_of", "require_parameters"]

PARAMETERS = ("in_beats", "out_beats", "rows", "column", "bias", "shift", "low", "high", "last",
              "accumulator", "reference", "threshold")
"""By unit; the last three with ``delta``."""


def parameters_of(sizes) -> tuple[str, ...]:
    """Those of an engine of such sizes, by unit."""
    return PARAMETERS if sizes["delta"] else PARAMETERS[:-3]


def require_parameters(layers: Sequence[Mapping], sizes, x, accumulator) -> None:
    """That layers have a place in the engine, and that each takes what the one before it sends.

    Parameters
    ----------
    layers : sequence of mappings    of each layer all parameters; beats and rows as counts, ``low``
                                     and ``high`` with their sign
    sizes : Mapping                  of the engine
    x, accumulator : Fixed

    Raises
    ------
    SpecError    With the layer, the parameter and its unit.
    """
    for number, layer in enumerate(layers):
        if number and layer["in_beats"] != layers[number - 1]["out_beats"]:
            raise _wrong(number, "in_beats", f"{layers[number - 1]['out_beats']}, which layer"
                                             f" {number - 1} sends", layer["in_beats"])
        for what, (least, most, why) in _ranges(layer, layer is layers[-1], sizes, x,
                                                accumulator).items():
            if not least <= layer[what] <= most:
                raise _wrong(number, what, f"in {least}..{most}{why}", layer[what])
    if sizes["delta"]:
        for what, size in (("accumulator", "rows"), ("reference", "in_beats")):
            _require_apart(layers, what, size)


def _ranges(layer, is_last, sizes, x, accumulator) -> dict:
    """The least and the most that each may be, given those before it, and why."""
    beats, outs, rows = layer["in_beats"], layer["out_beats"], layer["rows"]
    lanes = sizes["lanes"]
    vector, groups = -(-sizes["vector"] // lanes), sizes["pe"] // lanes
    most_outs = min(vector, sizes["biases"])
    fmt, of = (accumulator, "results") if is_last else (x, "activations")
    ranges = {
        "in_beats": (1, min(vector, (sizes["columns"] - 1) // lanes), ""),
        "rows": (1, min(sizes["rows"], -(-most_outs // groups)), ""),
        # Fewer leave sums behind, to which the next layer would add; more are of no row.
        "out_beats": ((rows - 1) * groups + 1, min(rows * groups, most_outs),
                      f" as rows are {rows}"),
        "column": (0, sizes["columns"] - beats * lanes - 1, f" as columns are {beats * lanes}"),
        "bias": (0, sizes["biases"] - outs, f" as out_beats are {outs}"),
        "shift": (0, accumulator.bits - 1, ""),
        "low": (fmt.min, fmt.max, f" as {of} are"),
        "high": (layer["low"], fmt.max, f" as low is {layer['low']}"),
        "last": (0, 1, "")}
    if sizes["delta"]:
        ranges |= {
            "accumulator": (0, sizes["rows"] - rows, f" as rows are {rows}"),
            "reference": (0, -(-sizes["columns"] // lanes) - beats, f" as in_beats are {beats}"),
            "threshold": (0, x.max - x.min, "")}
    return ranges


def _require_apart(layers, what, size):
    """That what layers keep from vector to vector is each one's own."""
    for number, layer in enumerate(layers):
        for other, before in enumerate(layers[:number]):
            begin, end = before[what], before[what] + before[size]
            if layer[what] < end and begin < layer[what] + layer[size]:
                raise _wrong(number, what, f"apart from {begin}..{end - 1}, which are layer"
                                           f" {other}'s", layer[what])


def _wrong(number, what, rule, found) -> SpecError:
    return SpecError(f"layer {number}: {what} (unit {PARAMETERS.index(what)}) must be {rule}, not"
                     f" {found}")
