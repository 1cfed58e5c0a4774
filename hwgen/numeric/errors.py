"""The error every layer raises for a value that breaks a rule, and what was meant instead."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["SpecError", "did_you_mean"]

DIGITS = re.compile(r"[0-9]+")

CLOSE = 0.65
"""Share of the letters that two names must have in common, in order: cf1 and fc1 have 2 of 3."""


class SpecError(ValueError):
    """A value breaks a stated rule; the message says where, the rule and what was found."""


def did_you_mean(name, known: Iterable[str]) -> str:
    """What stands behind "not 'NAME'" where ``known`` holds a name that is close; else nothing.

    Case does not matter. Names that differ in their numbers alone are two names, no slip: fc3 is
    none of fc1 and fc2. Nor is what several begin with, which does not say which of them, unless
    one alone lacks no more than a letter.

    >>> did_you_mean("quantize", ["prune", "quantise"])
    "; did you mean 'quantise'?"
    >>> did_you_mean("fc3", ["fc1", "fc2"])
    ''
    """
    if not isinstance(name, str):
        return ""
    lower = {each.lower(): each for each in known
             if DIGITS.sub("0", each) != DIGITS.sub("0", name)}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=CLOSE)
    longer = [each for each in lower if each.startswith(name.lower())]
    one_more = [each for each in longer if len(each) == len(name) + 1]
    if len(one_more) == 1 and name.lower() not in longer:
        return f"; did you mean '{lower[one_more[0]]}'?"
    if not close or (len(longer) > 1 and name.lower() not in longer):
        return ""
    return f"; did you mean '{lower[close[0]]}'?"
