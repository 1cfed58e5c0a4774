"""``hwgen spmv``: hardware that multiplies sparse matrices, which come while it runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from .engine import Multipliers
from .engine_output import facts, following, made
from .errors import spec_error
from .options import Board, Json, target_of
from .output import show

__all__ = ["EXAMPLES", "command"]

EXAMPLES = (
    "hwgen spmv matrix.mtx --lanes 16",
    "hwgen spmv a.mtx b.mtx layer.smtx --w-format s16.fit --packed packed",
    "hwgen spmv --lanes 4 --columns 1024 --slots 64 --x-format u8 --w-format s8 --board icebreaker",
)


def command(
    matrices: Annotated[list[Path] | None, typer.Argument(
        metavar="[MATRIX]...", help="Files of Matrix Market, .mtx, or of a layer's pattern, .smtx:"
        " what the bench multiplies. The engine takes any other as well.")] = None,
    lanes: Annotated[int, typer.Option("--lanes", help="Nonzeros multiplied in a cycle.")] = 16,
    columns: Annotated[int, typer.Option(
        "--columns", help="Elements of x that are kept; what is wider is cut into tiles.")] = 4096,
    slots: Annotated[int, typer.Option(
        "--slots", help="Sums that each lane keeps; of more rows, groups are made.")] = 256,
    x_lanes: Annotated[int, typer.Option(
        "--x-lanes", help="Elements of x that are taken in a cycle.")] = 8,
    x_format: Annotated[str, typer.Option(
        "--x-format", help="Of x: s or u, bits, fractional bits, such as s16 or u8.4.")] = "s16",
    w_format: Annotated[str | None, typer.Option(
        "--w-format", help="What the matrices' values are rounded to, such as s16.8, or s16.fit,"
        " the finest scale that holds each matrix; by default integers, s16, without rounding.",
    )] = None,
    x_max: Annotated[int | None, typer.Option(
        "--x-max", help="Largest magnitude of x's integers, for which no sum may overflow; by"
        " default what its format holds.")] = None,
    terms: Annotated[int, typer.Option(
        "--terms", help="Products at the formats' extremes that a sum has room for.")] = 256,
    multipliers: Annotated[Multipliers, typer.Option(
        "--multipliers", help="What products are made of.")] = Multipliers.BLOCKS,
    board: Board = "ulx3s-85f",
    packed: Annotated[Path | None, typer.Option(
        "--packed", help="Folder for the matrices in the engine's form, NAME.npz.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the vectors in the bench.")] = 0,
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="Artefact folder; by default rtl_out/spmv-LANES.")] = None,
    as_json: Json = False,
):
    """Generate a sparse engine, y = Ax and y += Ax, with Verilog, bench and manifest.

    One engine serves all matrices: they come by stream, compressed.
    """
    from hwgen.flow.spmv import format_of, prepared
    from hwgen.host.spmv import SpmvHost
    from hwgen.numeric import Fixed
    from hwgen.plan.engines import SpmvSpec

    x, x_fits = format_of(x_format, "--x-format")
    if x_fits:
        raise spec_error("--x-format must have a number of fractional bits, not 'fit'")
    weights, fits = (None, False) if w_format is None else format_of(w_format, "--w-format")
    spec = SpmvSpec(
        lanes=lanes, columns=columns, slots=slots, x_lanes=x_lanes, terms=terms,
        x=Fixed(x.bits, 0, x.signed), weights=Fixed(*(
            (16,) if weights is None else (weights.bits, 0, weights.signed))),
        multipliers=str(multipliers))
    host = SpmvHost.from_manifest(spec.to_dict())
    found = [prepared(path, weights, fits=fits) for path in matrices or ()]
    target = target_of(board)
    products, rows = _products(spec, host, found, _x_range(spec, x_max), x.frac, packed, seed)
    document = made(spec, out or Path("rtl_out") / f"spmv-{lanes}", target, products=products,
                    bench="matrices" if products else "sample", matrices=rows)
    show(document, as_json=as_json, text=lambda: [
        _table(spec, document), *([_matrices(rows)] if rows else []), _bench(rows),
        following(document)])


def _x_range(spec, x_max):
    if x_max is None:
        return spec.x.min, spec.x.max
    if not 1 <= x_max <= -spec.x.min if spec.x.is_signed else not 1 <= x_max <= spec.x.max:
        raise spec_error(f"--x-max must be in 1..{max(-spec.x.min, spec.x.max)}, not {x_max}")
    return max(spec.x.min, -x_max), min(spec.x.max, x_max)


def _products(spec, host, found, x_range, x_frac, folder, seed):
    """What the bench multiplies, and a row of the table for each matrix."""
    import numpy as np

    from hwgen.flow.spmv import timing_of

    rng, products, rows = np.random.default_rng(seed), [], []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    for each in found:
        packed = host.pack(each.matrix, frac=each.frac, x_range=x_range)
        timing = timing_of(spec, host, packed)
        if packed.tiles:
            x = rng.integers(*x_range, each.matrix.shape[1], endpoint=True)
            products.append([(each.matrix, x)])
        if folder is not None:
            packed.save(folder / f"{each.name}.npz")
        rows.append({
            "name": each.name, "shape": list(each.matrix.shape), "nonzeros": each.nonzeros,
            "w_frac": each.frac, "y_frac": each.frac + x_frac,
            "largest_rounding": each.rounding.error, "became_zero": each.rounding.vanished,
            **timing._asdict(), "utilisation": timing.utilisation if timing.jobs else None,
            "sustained": timing.sustained if timing.jobs else None})
    return products or None, rows


def _bench(rows) -> Text:
    """What the bench multiplies, and what it does not."""
    empty = [row["name"] for row in rows if not row["jobs"]]
    if len(empty) == len(rows):
        why = ", as no matrix has an entry, and there is nothing to send for them" if rows else ""
        return Text(f"The bench multiplies a sample of random matrices{why}.")
    without = f", but not {', '.join(empty)}, without entries" if empty else ""
    return Text(f"The bench multiplies these matrices by random vectors{without}.")


def _table(spec, document) -> Table:
    return facts(f"sparse engine, {spec.lanes} lanes", (
            ("x, values, sums", f"{spec.x}, {spec.weights}, {spec.accumulator}"),
            ("a tile", f"up to {spec.columns:,} columns, {spec.slots:,} rows in each lane"),
            ("an entry", f"{spec.entry_bytes} bytes: value, column of {spec.column_bits} bits, step"
                         f" of {spec.step_bits}; {spec.matrix_bytes} bytes a cycle"),
            ("latency", f"{spec.latency_cycles} cycles from the last entry to the first sums")),
        document)


def _matrices(rows) -> Table:
    table = Table("matrix", "size", "nonzeros", "scale", "rounded by up to", "became 0", "jobs",
                  "cycles", "of all products", "in a row", title="Matrices", title_justify="left")
    for row in rows:
        shares = ["-" if row[key] is None else f"{row[key]:.1%}"
                  for key in ("utilisation", "sustained")]
        table.add_row(row["name"], "{} x {}".format(*row["shape"]), f"{row['nonzeros']:,}",
                      f"2^{-row['w_frac']}", f"{row['largest_rounding']:.3g}",
                      f"{row['became_zero']:,}", f"{row['jobs']:,}", f"{row['cycles']:,}", *shares)
    return table
