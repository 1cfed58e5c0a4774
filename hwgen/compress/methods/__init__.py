"""Compression methods: each is one file here with one step or a few, and a line in the table."""

from .code import Code
from .prune import Prune
from .prune_iterative import PruneIterative
from .quantise import Quantise
from .share import Share
from .splice import Splice
from .train import Train

__all__ = [
    "METHODS",
    "Code",
    "Prune",
    "PruneIterative",
    "Quantise",
    "Share",
    "Splice",
    "Train",
]

METHODS = {step.kind: step for step in (
    Train,
    Prune,
    PruneIterative,
    Splice,
    Quantise,
    Share,
    Code,
)}
"""``METHODS[kind]``; a new method is one file, its import above and its place here."""
