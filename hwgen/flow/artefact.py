"""An artefact as an object: simulate it, verify it, place and route it on a board."""

import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np

from ..emit import read_manifest
from ..ir import Network
from ..ir import load as load_network
from ..synth import Device, SynthJob, SynthReport, synthesise

__all__ = ["Artefact"]

LINK_DIGEST_BYTES = 8


class Artefact:
    """The folder that ``build`` wrote. Everything it does starts from the files in it.

    Parameters
    ----------
    folder : path    an artefact folder; every file is compared with its hash in the manifest

    Raises
    ------
    SpecError    If the folder is no artefact, is damaged, or was changed.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)

    def __repr__(self):
        return f"Artefact({str(self.folder)!r})"

    @property
    def name(self) -> str:
        return self.manifest["name"]

    @cached_property
    def network(self) -> Network:
        """What it computes."""
        return load_network(self.folder / self.manifest["network"])

    def simulate(self, x, *, simulator: str = "verilator") -> np.ndarray:
        """The hardware as a function: scores int64 ``(n, classes)`` of integers ``(n, *shape)``.

        Raises
        ------
        MismatchError    If a score differs from golden.
        """
        return self.verify(x, simulator=simulator).scores

    def verify(self, x=None, *, stalls: str = "none", seed: int = 0,
               simulator: str = "verilator", mode: str = "stream", progress=None):
        """Run the emitted Verilog on ``x`` (the stored vectors if None) and compare every score.

        Returns a :class:`hwgen.verify.SimResult`; see :func:`hwgen.verify.simulate`.
        """
        from ..verify import simulate

        return simulate(self.folder, x, stalls=stalls, seed=seed, simulator=simulator, mode=mode,
                        progress=progress)

    def synthesise(self, *, board: str | None = None, seed: int = 1, reuse: bool = True,
                   progress=None) -> SynthReport:
        """Place and route the artefact's Verilog behind the serial link of ``board``.

        Parameters
        ----------
        board : str, optional    name or file of a board; the one it was planned for unless given
        seed : int               of place and route
        reuse : bool             take an earlier report of the same files, tools and seed
        progress : callable(hwgen.synth.Progress), optional

        Returns
        -------
        SynthReport    Also as ``synth/BOARD/report.json``, beside netlist and bitstream.

        Raises
        ------
        SpecError, ToolError    See :func:`hwgen.synth.synthesise`.
        """
        from ..board_targets import load as load_board

        target_board = load_board(board or self.manifest["target"])
        out = self.folder / "synth" / target_board.name
        out.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".sources-") as work:
            job = self._job(target_board, Path(work), seed)
            return synthesise(job, out, reuse=reuse, progress=progress)

    def _job(self, board, work: Path, seed: int) -> SynthJob:
        """Sources and constraints of the board around the artefact's Verilog, in ``work``."""
        from ..rtl.verilog_core import VerilogCore

        manifest, target = self.manifest, board.target
        spec = board.link_spec(
            digest=bytes.fromhex(manifest["digest"])[:LINK_DIGEST_BYTES],
            in_bytes=_frame_bytes(manifest["input"], manifest["input"]["elements"]),
            out_bytes=_frame_bytes(manifest["output"], _out_elements(manifest)),
            clk_hz=manifest["clk_hz"])
        files = board.prepare(VerilogCore.of(manifest), name="board_top", spec=spec)
        files.write(work)
        device = Device(family=target.family, size=target.device, package=target.package,
                        speed=int(target.speed) if target.speed else None)
        verilog = [self.folder / name for name in manifest["verilog"]]
        return SynthJob(sources=[*verilog, work / files.rtlil], top=files.top, device=device,
                        clock_mhz=files.clk_hz / 1e6, constraints=work / files.constraints,
                        seed=seed, min_cells=_fewest_cells(manifest))

    def report(self, board: str | None = None) -> SynthReport:
        """The report of an earlier :meth:`synthesise`; FileNotFoundError if there is none."""
        return SynthReport.load(
            self.folder / "synth" / (board or self.manifest["target"]) / "report.json")


def _out_elements(manifest) -> int:
    return sum(field["count"] for field in manifest["output"]["fields"])


def _frame_bytes(port, elements: int) -> int:
    return port["element_bytes"] * elements


def _fewest_cells(manifest) -> int:
    """Fewer cells mean that logic was folded away: the link alone has some hundred."""
    return 300 + 20 * len(manifest["stages"])
