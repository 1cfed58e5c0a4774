"""A profile as one HTML page: inline style and plots, nothing to load, no script."""

import numpy as np

from .page import style, template_of
from .plots import GRID, INK, MUTED, SERIES, svg

__all__ = ["render_profile"]

SIZE_IN = (4.4, 2.5)
KINDS = {"mat_vec": "sums", "requantise": "activations", "threshold": "activations",
         "input": "input", "add": "sums", "sum_pool": "sums"}


def render_profile(profile) -> str:
    """The page as text."""
    layers = [_layer(profile, each) for each in profile.nodes]
    return template_of("profile.html").render(
        style=style(), profile=profile, layers=layers, tiles=_tiles(profile),
        error_plot=_errors(profile))


def _tiles(profile) -> list[dict]:
    values = sum(each.values for each in profile.nodes)
    tiles = [{"value": f"{profile.overflows:,}", "ok": profile.overflows == 0,
              "label": "values outside the range that was proven"},
             {"value": f"{100 * profile.saturated / max(1, values):.3f} %", "ok": None,
              "label": f"of {values:,} values saturate ({profile.saturated:,})"}]
    last = next((profile.stages[each.node] for each in reversed(profile.nodes)
                 if each.node in profile.stages), None)
    if last is not None and last.sqnr_db is not None:
        tiles.append({"value": f"{last.sqnr_db:.1f} dB", "ok": None,
                      "label": "of the scores against float (SQNR)"})
    return tiles


def _layer(profile, found) -> dict:
    """What the page says of one node."""
    scale = profile.scales[found.node]
    unit = 1.0 if scale is None else scale
    stage, rounding = profile.stages.get(found.node), profile.weights.get(found.node)
    zero = 0 if stage is None else stage.zero
    bits = max(1, (-found.low - 1).bit_length() + 1 if found.low < 0 else found.high.bit_length(),
               found.high.bit_length() + (found.low < 0))
    plots = []
    if rounding is not None and len(rounding.values):
        plots.append(_weights(found.node, rounding))
    plots.append(_values(found, unit, zero, scale is None))
    return {"found": found, "stage": stage, "rounding": rounding, "bits": bits, "plots": plots,
            "matrix": profile.matrices.get(found.node), "frac": profile.fracs[found.node],
            "scale": scale,
            "what": KINDS.get(found.kind, found.kind),
            "saturated": found.above + (0 if found.is_rectified else found.below)}


def _values(found, unit, zero, is_plain) -> str:
    edges = (np.array(found.edges, float) - 0.5 - zero) * unit
    ends = (np.array([found.low, found.high]) - zero) * unit
    label = "integer" if is_plain else "value"
    what = f"{found.node}: {KINDS.get(found.kind, found.kind)}"
    return _histogram(what, edges, found.counts, ends, label, unit, SERIES[0])


def _weights(node, rounding) -> str:
    counts, edges = np.histogram(rounding.values, bins=48)
    return _histogram(f"{node}: weights before rounding", edges, counts,
                      np.array([rounding.low, rounding.high]), "weight", rounding.step, SERIES[1])


def _histogram(title, edges, counts, ends, label, step, colour) -> str:
    """Bars, with what can be represented as a band where that is not far wider than the values."""
    def draw(axes):
        axes.stairs(counts, edges, fill=True, color=colour, linewidth=0)
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
        spread = edges[-1] - edges[0]
        low, high = ends[0] - step / 2, ends[1] + step / 2
        is_near = high - low < 4 * spread
        left, right = (min(low, edges[0]), max(high, edges[-1])) if is_near else (
            edges[0], edges[-1])
        margin = 0.04 * (right - left or 1)
        axes.set_xlim(left - margin, right + margin)
        if is_near:
            axes.axvspan(low, high, color=GRID, alpha=0.45, zorder=0, linewidth=0)
            for end in (low, high):
                axes.axvline(end, color=INK, linewidth=1.2)
        else:
            axes.annotate(f"can hold {ends[0]:.4g} to {ends[1]:.4g}", (0.02, 0.93), color=MUTED,
                          xycoords="axes fraction", fontsize=9)
        axes.set_xlabel(label)
        axes.set_ylabel("how many")

    return svg(draw, title, SIZE_IN)


def _errors(profile) -> str | None:
    """SQNR behind each layer."""
    known = [(name, stage.sqnr_db) for name, stage in profile.stages.items()
             if stage.sqnr_db is not None]
    if not known:
        return None

    def draw(axes):
        names = [name for name, _ in known]
        axes.plot(range(len(known)), [db for _, db in known], color=SERIES[0], marker="o")
        axes.set_xticks(range(len(known)), names, rotation=30, ha="right")
        axes.set_ylabel("dB")
        axes.set_ylim(bottom=min(0.0, *(db for _, db in known)))

    return svg(draw, "SQNR against float behind each layer, dB", (8.4, 3.0))
