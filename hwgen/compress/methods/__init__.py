"""Compression methods: each is one file here with one step or a few, and a line in the table."""

from .prune import Prune
from .quantise import Quantise
from .train import Train

__all__ = ["METHODS", "Prune", "Quantise", "Train"]

METHODS = {step.kind: step for step in (Train, Prune, Quantise)}
"""``METHODS[kind]``; a new method is one file, its import above and its place here."""
