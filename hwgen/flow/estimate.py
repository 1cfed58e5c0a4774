"""What a network is expected to cost on a board, before anything is made of it."""

from ..board_targets import load as load_board
from ..plan import plan

__all__ = ["luts_on"]


def luts_on(board: str, *, interval_cycles: int | None = None):
    """``count(network)``: the planner's estimate of LUTs, without the board's link.

    Parameters
    ----------
    board : str                      its name, or the file of one
    interval_cycles : int, optional  between vectors; see :func:`hwgen.plan.plan`

    Raises
    ------
    SpecError    By ``count``, where a network has no hardware there, or does not fit.
    """
    target = load_board(board).target

    def count(network) -> int:
        return plan(network, target, interval_cycles=interval_cycles).estimate.lut

    return count
