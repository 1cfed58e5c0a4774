"""ULX3S with an ECP5-85: 25 MHz oscillator, serial port through an FT231X."""

from amaranth_boards.ulx3s import ULX3S_85F_Platform

from hwgen.plan import Target

from .shared import Board, Ecp5Pll

__all__ = ["BOARD"]

BOARD = Board(
    target=Target(name="ulx3s-85f", family="ecp5", device="85k", package="CABGA381", speed="6",
                  luts=83640, ffs=83640, brams=208, bram_bits=18432, dsps=156, clk_hz=50_000_000),
    platform=ULX3S_85F_Platform,
    pll=Ecp5Pll(in_hz=25e6),
    reset_button=("button_fire", 0),
)
