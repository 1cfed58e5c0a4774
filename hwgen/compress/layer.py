"""What all exportable layers share."""

from torch import nn

from hwgen.numeric import SpecError, as_int

__all__ = ["Layer", "within"]


class Layer(nn.Module):
    """A layer whose evaluation is exact on integers scaled by a power of two."""

    def constrain(self) -> None:
        """Bring latent weights back into their range; called after every optimiser step."""


def within(what: str, value, low: int, high: int | None = None) -> int:
    """``value`` as an int; TypeError if it is none, SpecError outside ``low .. high``."""
    value = as_int(value, what)
    if value < low or (high is not None and value > high):
        limit = f"at least {low}" if high is None else f"in {low}..{high}"
        raise SpecError(f"{what} must be {limit}, not {value}")
    return value
