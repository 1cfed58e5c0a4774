"""The error every layer raises for a value that breaks a rule."""

__all__ = ["SpecError"]


class SpecError(ValueError):
    """A value breaks a stated rule; the message says where, the rule and what was found."""
