"""How much each layer minds, as a plot: error against bits and against density, a line a layer."""

from pathlib import Path

from .plots import log_scale

__all__ = ["draw"]

PANELS = {"weights": "bits of the layer's weights", "activations": "bits of the activation",
          "density": "share of the layer's weights that are left"}


def draw(found, path) -> Path:
    """Write the plot of a :class:`~hwgen.compress.study.sensitivity.Sensitivity` as SVG.

    The axis of errors is logarithmic; what has none stands at half a sample.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    from hwgen.bench.frame.plots import STYLE

    path, shown = Path(path), [what for what in PANELS if found.of(what)]
    path.parent.mkdir(parents=True, exist_ok=True)
    least = 50 / found.held
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.6 * max(1, len(shown)), 3.4))
        for axes, what in zip(figure.subplots(1, max(1, len(shown)), sharey=True, squeeze=False)[0],
                              shown, strict=False):
            for k, (layer, points) in enumerate(found.of(what).items()):
                axes.plot([each.value for each in points],
                          [max(least, each.error) for each in points], marker=".", color=f"C{k}",
                          label=layer)
            axes.axhline(max(least, found.error), color="gray", linewidth=0.8, linestyle="--")
            log_scale(axes)
            if what == "density":
                axes.set_xscale("log")
            values = sorted({each.value for points in found.of(what).values() for each in points})
            axes.set_xticks(values, [f"{value:g}" for value in values])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlabel(PANELS[what])
            axes.legend(fontsize=7)
        figure.axes[0].set_ylabel(f"error, % of {found.held:,} held-back samples")
        figure.savefig(path, format="svg", metadata={"Date": None})
    return path
