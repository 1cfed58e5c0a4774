"""What the table and the page both say: totals over a document, and numbers as text."""

from dataclasses import dataclass

__all__ = [
    "RESOURCES", "SHARED", "STAGES_OF_PROOF", "STALLED", "Exactness", "accuracies", "comparisons",
    "count", "duration", "exactness", "index_bits", "networks", "number", "percent", "place",
    "steps",
]

RESOURCES = ("lut", "ff", "bram", "dsp")

STAGES_OF_PROOF = {
    "torch_golden": ("torch", "golden numpy", "the same integers from two programs"),
    "rtl": ("golden numpy", "RTL, full rate", "emitted Verilog, no stalls"),
    "rtl_stalled": ("golden numpy", "RTL, stalled", "random stalls on both sides"),
    "board": ("golden numpy", "board", "over the serial link"),
}
"""Key of ``scores`` -> what is compared, with what, and how."""

SHARED, STALLED = "torch_golden", "rtl_stalled"
"""The comparison that does not depend on the board, and the one whose seed matters."""

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


def comparisons(document) -> list[tuple[dict, str, dict]]:
    """What was compared, as (row, key of ``scores``, counts).

    Torch and golden meet once for each network, golden and RTL once for each artefact: in a demo
    every board has its own, while one artefact may be placed on several.
    """
    found, seen = [], set()
    for row in document["rows"]:
        for key, counts in row["scores"].items():
            subject = (row["network"], key, None if key == SHARED else row["artefact"])
            if counts is not None and subject not in seen:
                seen.add(subject)
                found.append((row, key, counts))
    return found


def place(row, key) -> str | None:
    """The board whose RTL was compared; None where no board's was."""
    return None if key == SHARED else row["board"]


def exactness(document) -> Exactness:
    """Over all comparisons."""
    counts = [counts for _row, _key, counts in comparisons(document)]
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
    """The nearest whole number, digits in groups."""
    return NOTHING if value is None else f"{value:,.0f}"


def number(value, places: int) -> str:
    """A number with ``places`` after the point, digits in groups."""
    return NOTHING if value is None else f"{value:,.{places}f}"


def percent(used, available) -> str:
    """How much of it is used."""
    if not available:
        return NOTHING
    share = 100 * used / available
    return f"{share:.1f} %" if 0 < share < 10 else f"{share:.0f} %"


def duration(seconds) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02} s"
