"""What the commands that generate an engine share: building it, and what they say of it."""

from rich.table import Table

from .progress import show_progress

__all__ = ["facts", "following", "made"]


def made(spec, folder, target, *, products=None, **more) -> dict:
    """Write the artefact of an engine into ``folder``; the document that tells of it.

    Cells are estimated for ``target``; ``products`` are what its bench computes, ``more`` further
    entries of the document.
    """
    from hwgen.flow.engine import build_engine

    with show_progress() as progress:
        build_engine(spec, folder, products=products, progress=progress)
    return {"artefact": str(folder), "board": target.name, **spec.to_dict(),
            "memory_bits": spec.memory_bits, "estimate": spec.estimate(target).to_dict(), **more}


def facts(title: str, rows, document) -> Table:
    """A table of names and values, and what the engine is estimated to take."""
    table = Table(title=title, title_justify="left", show_header=False)
    cells = document["estimate"]
    for name, value in (*rows, (
            f"estimate for {document['board']}",
            f"about {cells['lut']:,} LUT, {cells['ff']:,} FF, {cells['bram']:,} BRAM,"
            f" {cells['dsp']:,} DSP")):
        table.add_row(name, value)
    return table


def following(document) -> str:
    """What is there now, and what to do next."""
    folder = document["artefact"]
    return f"[green]Written to {folder}. Next: hwgen simulate {folder}[/]"
