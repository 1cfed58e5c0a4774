"""An artefact as an object: simulate it, verify it, place and route it on a board."""

import tempfile
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np

from ..emit import read_manifest
from ..emit.weights import weight_words
from ..host.layout import Layout
from ..ir import Network, replaced
from ..ir import load as load_network
from ..numeric import SpecError
from ..synth import SynthJob, SynthReport, synthesise
from .netlist import write_netlist

__all__ = ["ELABORATION", "Artefact"]

ELABORATION = Lock()
"""Amaranth keeps state in its modules, so one thread elaborates at a time."""


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

    def simulate(self, x, *, simulator: str = "verilator", bench: str = "cocotb",
                 netlist=None) -> np.ndarray:
        """The hardware as a function: scores int64 ``(n, classes)`` of integers ``(n, *shape)``.

        ``netlist`` is as in :meth:`verify`.

        Raises
        ------
        MismatchError    If a score differs from golden.
        """
        return self.verify(x, simulator=simulator, bench=bench, netlist=netlist).scores

    def verify(self, x=None, *, frames: int | None = None, stalls: str = "none", seed: int = 0,
               bench: str = "cocotb", simulator: str = "verilator", mode: str = "stream",
               netlist=None, reload: Network | None = None, progress=None):
        """Run the emitted Verilog on ``x`` (the stored vectors if None) and compare every score.

        Returns a :class:`hwgen.verify.SimResult`; see :func:`hwgen.verify.simulate`. With
        ``netlist``, the name or file of a board or a :class:`hwgen.synth.Device`, it is the
        netlist of the core for that device which runs: see :meth:`netlist`.
        """
        from ..verify import simulate

        gates = None if netlist is None else self.netlist(netlist, progress=progress)
        return simulate(self.folder, x, frames=frames, stalls=stalls, seed=seed, bench=bench,
                        simulator=simulator, mode=mode, netlist=gates, reload=reload,
                        progress=progress)

    def weight_bytes(self, network: Network | None = None) -> bytes:
        """What loads the weights of ``network`` (this one's unless given) into the hardware.

        One frame of the stream that the manifest's ``weights`` describes, words little endian.

        Raises
        ------
        SpecError    If the weights of this artefact are constants; or if ``network`` differs from
                     its network in anything else than weights, biases and thresholds that are
                     loaded: see :func:`hwgen.ir.replaced`.
        """
        layout, same = self.manifest.get("weights"), self.network
        if layout is None:
            raise SpecError(f"weights of '{self.name}' must be ram to be loaded, and are constants;"
                            f" plan it with weights = ram")
        if network is not None:
            same = replaced(same, network, thresholds=layout["thresholds"])
        return weight_words(layout, same).astype("<u4").tobytes()

    def netlist(self, device, *, progress=None) -> Path:
        """The netlist of the core alone for a board's device: :func:`write_netlist`."""
        return write_netlist(self.folder, self.manifest, device, clk_hz=self.manifest["clk_hz"],
                             progress=progress)

    def synthesise(self, *, board: str | None = None, seed: int = 1, reuse: bool = True,
                   progress=None) -> SynthReport:
        """Place and route the artefact's Verilog behind the serial link of ``board``.

        Parameters
        ----------
        board : str, optional    name or file of a board; the one it was planned for unless given
        seed : int               of place and route
        reuse : bool             take an earlier report of the same files, tools and seed
        progress : hwgen.flow.steps.Progress, optional

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
            with ELABORATION:
                job = self._job(target_board, Path(work), seed)
            return synthesise(job, out, reuse=reuse, progress=progress and (
                lambda at: progress(at.step, at.fraction, at.message)))

    def _job(self, board, work: Path, seed: int) -> SynthJob:
        """Sources and constraints of the board around the artefact's Verilog, in ``work``."""
        from ..rtl.verilog_core import VerilogCore

        manifest = self.manifest
        layout = Layout.from_manifest(manifest)
        spec = board.link_spec(digest=layout.digest, in_bytes=layout.in_bytes,
                               out_bytes=layout.out_bytes, clk_hz=manifest["clk_hz"],
                               weight_words=manifest.get("weights", {}).get("words", 0))
        files = board.prepare(VerilogCore.of(manifest), name="board_top", spec=spec)
        files.write(work)
        verilog = tuple(self.folder / name for name in manifest["verilog"])
        job = board.synth_job(files, work, seed=seed, min_cells=_fewest_cells(manifest))
        return replace(job, sources=(*verilog, *job.sources))

    def report(self, board: str | None = None) -> SynthReport:
        """The report of an earlier :meth:`synthesise`; FileNotFoundError if there is none."""
        return SynthReport.load(
            self.folder / "synth" / (board or self.manifest["target"]) / "report.json")


def _fewest_cells(manifest) -> int:
    """Fewer cells mean that logic was folded away: the link alone has some hundred."""
    return 300 + 20 * len(manifest["stages"])
