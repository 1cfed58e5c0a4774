"""What the table and the page both say: totals over a document, and numbers as text."""

from dataclasses import dataclass

__all__ = [
    "RESOURCES", "STAGES_OF_PROOF", "Exactness", "accuracies", "count", "duration", "exactness",
    "index_bits", "networks", "number", "percent", "steps",
]

RESOURCES = ("lut", "ff", "bram", "dsp")

STAGES_OF_PROOF = {
    "torch_golden": ("torch", "golden numpy", "the same integers from two programs"),
    "rtl": ("golden numpy", "RTL, full rate", "emitted Verilog, no stalls"),
    "rtl_stalled": ("golden numpy", "RTL, stalled", "random stalls on both sides"),
    "board": ("golden numpy", "board", "over the serial link"),
}
"""Key of ``scores`` -> what is compared, with what, and how."""

NOTHING = "–"


@dataclass(frozen=True)
class Exactness:
    """Scores compared and mismatched, over everything in a document."""

    compared: int
    mismatched: int


def networks(document) -> list[dict]:
    """The first row of each network: what does not depend on the board."""
    first: dict[str, dict] = {}
    for row in document["rows"]:
        first.setdefault(row["network"], row)
    return list(first.values())


def exactness(document) -> Exactness:
    """Over all comparisons; what several boards share is counted once for each network."""
    counts = [c for row in networks(document) for c in row["scores"].values() if c is not None]
    return Exactness(sum(c["compared"] for c in counts), sum(c["mismatched"] for c in counts))


def steps(document) -> list[str]:
    """The steps that took time, in the order in which they first appear."""
    return list(dict.fromkeys(step for row in document["rows"] for step in row["seconds"]))


def accuracies(row) -> str:
    """``torch/golden/RTL`` in percent; what was not measured is a dash."""
    values = (row["accuracy"].get(key) for key in ("torch", "golden", "rtl"))
    return "/".join(number(value, 1) for value in values)


def index_bits(row) -> int:
    """Bits that say where the weights are, not what they are."""
    bits = row["weight_bits"]
    return sum(n for key, n in bits.items() if "index" in key or "pointer" in key)


def count(value) -> str:
    """A whole number with its digits in groups; of a mean, one place where it is not whole."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def number(value, places: int) -> str:
    """A number with ``places`` after the point, digits in groups."""
    return NOTHING if value is None else f"{value:,.{places}f}"


def percent(used, available) -> str:
    """How much of it is used."""
    if not available:
        return NOTHING
    share = 100 * used / available
    return f"{share:.1f} %" if share < 10 else f"{share:.0f} %"


def duration(seconds) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02} s"
