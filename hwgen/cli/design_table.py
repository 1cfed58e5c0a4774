"""What a new artefact is, for ``generate`` and ``core``: as a document and as tables."""

from rich.table import Table

__all__ = ["describe", "design_tables"]


def describe(design, artefact, network) -> dict:
    """What machines are told of a design of ``network`` and its artefact.

    ``laid_out`` has the kind of each matrix that has no core of its own, by name of its node.
    """
    from hwgen.ir import structures

    manifest = artefact.manifest
    keys = ("name", "digest", "clk_hz", "interval_cycles", "latency_cycles", "weight_bits",
            "stages")
    return {"artefact": str(artefact.folder), "board": design.target.name,
            "bottleneck": design.bottleneck, "estimate": design.estimate.to_dict(),
            "laid_out": structures(network), **{key: manifest[key] for key in keys}}


def design_tables(design, artefact, network) -> list:
    """The stages, the totals, matrices of ``network`` without a core, and what to do next."""
    from hwgen.ir import structures

    bits = sum(design.weight_bits.values())
    cells = design.estimate
    totals = (
        f"[bold]{design.name}[/] for {design.target.name} at {design.clk_hz / 1e6:g} MHz:"
        f" a vector every {design.interval_cycles:,} cycles (set by {design.bottleneck}),"
        f" latency {design.latency_cycles:,} cycles, {bits:,} constant bits,"
        f" about {cells.lut:,} LUT, {cells.bram:,} BRAM, {cells.dsp:,} DSP"
    )
    folder = artefact.folder
    steps = f"Written to {folder}. Next: hwgen simulate {folder}, hwgen synth {folder}"
    laid_out = structures(network)
    notes = [f"{name}: a matrix of kind '{kind}' has no core of its own: every entry is given, and"
             f" it runs on a dense core, or on another that takes these entries"
             for name, kind in laid_out.items()]
    return [_stages(design, laid_out), totals, *notes, f"[green]{steps}[/]"]


def _stages(design, laid_out) -> Table:
    table = Table(title_justify="left")
    table.add_column("stage", style="bold")
    table.add_column("core")
    for column in ("pe", "simd", "interval", "constant bits", "LUT", "BRAM", "DSP"):
        table.add_column(column, justify="right")
    for stage in design.stages:
        cells = stage.estimate(design.target)
        folding = (str(getattr(stage, key, "")) for key in ("pe", "simd"))
        numbers = (stage.interval_cycles, sum(stage.memory_bits.values()), cells.lut, cells.bram,
                   cells.dsp)
        core = stage.core + (f" ({laid_out[stage.name]})" if stage.name in laid_out else "")
        table.add_row(stage.name, core, *folding, *(f"{n:,}" for n in numbers))
    return table
