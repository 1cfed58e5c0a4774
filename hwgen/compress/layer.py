"""What all exportable layers share."""

from torch import nn

from hwgen.numeric import SpecError

__all__ = ["Layer", "check_int", "check_size"]


class Layer(nn.Module):
    """A layer whose evaluation is exact on integers scaled by a power of two."""

    def constrain(self) -> None:
        """Bring latent weights back into their range; called after every optimiser step."""


def check_int(what: str, value) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} must be an int, not {value!r}")


def check_size(what: str, value, low: int, high: int | None = None) -> None:
    """TypeError unless ``value`` is an int, SpecError unless it is in ``low .. high``."""
    check_int(what, value)
    if value < low or (high is not None and value > high):
        limit = f"at least {low}" if high is None else f"in {low}..{high}"
        raise SpecError(f"{what} must be {limit}, not {value}")
