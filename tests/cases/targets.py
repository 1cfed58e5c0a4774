"""Boards for tests that need no board file."""

from hwgen.plan import Target

__all__ = ["ECP5", "UP5K"]

ECP5 = Target("test-ecp5", "ecp5", "85k", "CABGA381", "6", 83640, 83640, 208, 18432, 156,
              50_000_000)
UP5K = Target("test-up5k", "ice40", "up5k", "sg48", "", 5280, 5280, 30, 4096, 8, 24_000_000)
