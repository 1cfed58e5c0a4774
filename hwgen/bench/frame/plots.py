"""How the plots of benchmarks look."""

__all__ = ["STYLE"]

STYLE = {"svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
         "axes.spines.right": False, "axes.grid": True, "grid.linewidth": 0.5,
         "svg.hashsalt": "hwgen", "figure.constrained_layout.use": True}
"""Of matplotlib: plain SVG, the same bytes each time."""
