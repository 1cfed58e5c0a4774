"""Costs of parts that fit what was counted: where to take new constants from."""

import numpy as np

from hwgen.plan.stages import binary_cells

__all__ = ["EXACT", "fitted"]

EXACT = {"ecp5": ("chain", "ram")}
"""Parts of a family whose cost is known, as their cells are those of the netlist."""

PULL = 0.02
"""How much a cost is drawn to the one that there is, against the errors."""


def fitted(family: str, parts, luts, model=binary_cells) -> dict[str, float]:
    """Costs, none below 0, with the least squares of relative errors.

    Parameters
    ----------
    family : str
    parts : list of Counter     of each configuration; see ``binary_parts``
    luts : list of int          what synthesis counted
    model : module              with the ``COSTS`` that there are, and all ``PARTS``
    """
    costs, luts = model.COSTS[family], np.array(luts, float)
    exact = EXACT.get(family, ())
    free = [part for part in model.PARTS if part in costs and part not in exact
            and any(count[part] for count in parts)]
    known = np.array([sum(costs.get(part, 0) * count[part] for part in exact)
                      for count in parts])
    matrix = np.array([[count[part] for part in free] for count in parts], float)
    now = np.array([costs[part] for part in free], float)
    pull = PULL * np.sqrt(len(luts)) * matrix.mean(axis=0) / luts.mean()
    rows = np.concatenate([matrix / luts[:, np.newaxis], np.diag(pull)])
    wanted = np.concatenate([(luts - known) / luts, pull * now])
    return dict(zip(free, _least_squares(rows, wanted).round(2).tolist(), strict=True))


def _least_squares(rows, wanted):
    """Solution with no negative element: those that would be are left at 0, one after another."""
    active = np.ones(rows.shape[1], bool)
    while True:
        found = np.zeros(rows.shape[1])
        found[active] = np.linalg.lstsq(rows[:, active], wanted, rcond=None)[0]
        if found.min() >= 0:
            return found
        active[np.argmin(found)] = False
