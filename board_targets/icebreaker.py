"""iCEBreaker with an iCE40UP5K: 12 MHz oscillator, serial port through an FT2232H."""

from amaranth_boards.icebreaker import ICEBreakerPlatform

from hwgen.plan import Target

from .shared import Board, Ice40Pll

__all__ = ["BOARD"]

BOARD = Board(
    target=Target(name="icebreaker", family="ice40", device="up5k", package="sg48", speed="",
                  luts=5280, ffs=5280, brams=30, bram_bits=4096, dsps=8, clk_hz=24_000_000),
    platform=ICEBreakerPlatform,
    pll=Ice40Pll(in_hz=12e6),
    reset_button=("button", 0),
)
