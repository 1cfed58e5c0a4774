"""``hwgen generate``: a network file to an artefact folder."""

from pathlib import Path
from typing import Annotated

import typer

from .design_table import describe, design_tables
from .errors import spec_error
from .options import (
    Board,
    Clock,
    CoreChoice,
    Interval,
    Json,
    MemoryChoice,
    PeChoice,
    PlanesChoice,
    SimdChoice,
    WeightsChoice,
    clock_hz,
    cores,
    weights_of_all,
)
from .output import show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = (
    "hwgen generate digits-binary.hwgen --board ulx3s-85f --interval 256",
    "hwgen generate digits-fixed.hwgen --weights ram",
    "hwgen generate digits-fixed.hwgen --pe fc1=8 --simd fc1=16 --core fc2=sparse -o rtl_out/mine",
)


def command(
    network: Annotated[Path, typer.Argument(metavar="NET.hwgen", help="Network file.")],
    board: Board = "ulx3s-85f",
    interval: Interval = None,
    clk_mhz: Clock = None,
    pe: PeChoice = None,
    simd: SimdChoice = None,
    planes: PlanesChoice = None,
    memory: MemoryChoice = None,
    weights: WeightsChoice = None,
    core: CoreChoice = None,
    keep_order: Annotated[bool, typer.Option(
        "--keep-order", help="Leave the rows of sparse matrices in their order; by default they "
        "are put into one that takes fewer cycles, with the columns of the next layer.")] = False,
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="Artefact folder; by default rtl_out/NAME.")] = None,
    as_json: Json = False,
):
    """Choose cores and foldings, and write Verilog, vectors, bench and manifest."""
    from hwgen.flow import api

    if network.suffix == ".py":
        raise spec_error(f"'{network}' must be a network file NAME.hwgen, not a model: hwgen"
                         f" compress {network} --recipe RECIPE.toml makes one of it")
    net = api.load(network)
    of_all, of_nodes = weights_of_all(weights)
    chosen = cores(pe=pe, simd=simd, planes=planes, memory=memory, weights=of_nodes, core=core)
    design = api.plan(net, target=board, interval_cycles=interval, clk_hz=clock_hz(clk_mhz),
                      cores=chosen or None, weights=of_all, balance=not keep_order)
    folder = out or Path("rtl_out") / net.name
    with show_progress() as progress:
        artefact = api.build(design, folder, progress=progress)
    show(describe(design, artefact, net), as_json=as_json,
         text=lambda: design_tables(design, artefact, net))
