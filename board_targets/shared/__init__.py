"""What boards share: a board's file fills these in."""

from .board import Board, BoardFiles
from .pll import Ecp5Pll, Ice40Pll
from .reset import PowerOnReset

__all__ = ["Board", "BoardFiles", "Ecp5Pll", "Ice40Pll", "PowerOnReset"]
