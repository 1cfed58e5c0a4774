"""One measured number, with what it should be."""

import math
import operator
import re
from dataclasses import asdict, dataclass

from hwgen.numeric.errors import SpecError

__all__ = ["Row", "meets"]

_BOUND = re.compile(r"(<=|>=|==|<|>) (-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)\Z")
_COMPARE = {"<=": operator.le, ">=": operator.ge, "==": operator.eq, "<": operator.lt,
            ">": operator.gt}


def meets(value: float, bound: str) -> bool:
    """Whether ``value`` is within ``bound``, such as ``<= 45000``; nothing is rounded."""
    sign, limit = _BOUND.fullmatch(bound).groups()
    return bool(_COMPARE[sign](value, float(limit) if not limit.lstrip("-").isdigit()
                               else int(limit)))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number of a benchmark.

    Parameters
    ----------
    work : str
        What was measured, such as a network on a board.
    metric, unit : str
        Of which property, and in what; ``unit`` is empty for a count.
    value : int or float
    must, stretch : str or None
        Bounds ``<= N``, ``>= N``, ``== N``, ``< N`` or ``> N``: what has to hold, and what would be
        better still.
    device : str
        Where it was measured: the board or FPGA, else the machine.
    tools : str
        The tools that decide the number, with versions.
    seed : int or None
        Of what was random.
    published : str
        What others report of the same work, and who.

    Raises
    ------
    TypeError    If ``value`` is no number.
    SpecError    If it is not finite, or a bound is none.
    """

    work: str
    metric: str
    value: int | float
    unit: str = ""
    must: str | None = None
    stretch: str | None = None
    device: str = ""
    tools: str = ""
    seed: int | None = None
    published: str = ""

    def __post_init__(self):
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise TypeError(f"{self.path}: value must be an int or a float, not {self.value!r}")
        if not math.isfinite(self.value):
            raise SpecError(f"{self.path}: value must be finite, not {self.value!r}")
        for what in ("must", "stretch"):
            bound = getattr(self, what)
            if bound is not None and not _BOUND.fullmatch(bound):
                raise SpecError(f"{self.path}: {what} must be a bound such as '<= 45000',"
                                f" not {bound!r}")

    @property
    def path(self) -> str:
        """Names the row in errors."""
        return f"row '{self.work}' '{self.metric}'"

    @property
    def met(self) -> bool | None:
        """Whether ``must`` holds, or, where there is none, ``stretch``; None without a bound."""
        bound = self.must or self.stretch
        return None if bound is None else meets(self.value, bound)

    @property
    def stretched(self) -> bool | None:
        """Whether ``stretch`` holds; None where there is none."""
        return None if self.stretch is None else meets(self.value, self.stretch)

    @property
    def failed(self) -> bool:
        """Whether there is a ``must``, and it does not hold."""
        return self.must is not None and not self.met

    def to_dict(self) -> dict:
        """Ready for JSON, ``met`` included, in the order of the file."""
        row = asdict(self) | {"met": self.met}
        keys = ("work", "metric", "value", "unit", "must", "stretch", "met", "device", "tools",
                "seed", "published")
        return {key: row[key] for key in keys}
