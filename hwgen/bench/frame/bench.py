"""What every part uses: kept results, synthesis of a component, tools and machine as texts."""

import hashlib
import platform
import subprocess
from pathlib import Path

from hwgen.flow import api
from hwgen.flow.artefact import ELABORATION, Artefact
from hwgen.flow.steps import Steps, code_digest, digest_of
from hwgen.rtl.pipeline import COMPONENTS
from hwgen.rtl.text import to_rtlil
from hwgen.synth import SynthJob, SynthReport, synthesise
from hwgen.toolchain import find

from .row import Row

__all__ = ["SEED", "Bench", "commit", "file_digests", "machine", "tools_of"]

SEED = 1

CODE = ("numeric", "ir", "golden", "plan", "rtl", "emit", "synth", "verify", "board_targets")
"""Packages whose code may decide any row."""


class Bench:
    """Where the parts work and keep their results.

    Parameters
    ----------
    folder : path
    progress : callable(step, fraction, text)
    name : str               of the benchmark
    data : path, optional    folder of the MNIST files

    Members
    -------
    part : str               name of the part that is being measured; its folder
    """

    def __init__(self, folder, *, progress, name: str, data=None):
        self.folder, self.data = Path(folder), data and Path(data)
        self._progress = progress
        self.part = ""
        self._steps = Steps(self.folder / "parts.json", progress=progress, name=f"bench {name}")

    def rows(self, name: str, part) -> list[Row]:
        """Rows of a part, kept ones if nothing changed that decides them."""
        self.part = name
        own = hashlib.sha256(Path(part.__file__).read_bytes()).hexdigest()
        inputs = part.inputs(self) if hasattr(part, "inputs") else {}
        key = digest_of(own, code_digest(*CODE), part.KEY, inputs, find("yosys").version)
        result = self._steps.run(
            name, key, lambda: {"rows": [row.to_dict() for row in part.measure(self)]})
        return [Row(**{key: value for key, value in row.items() if key != "met"})
                for row in result["rows"]]

    def tell(self, fraction: float | None, text: str) -> None:
        """Report how far the part is."""
        self._steps.tell(self.part or "yosys", fraction, text)

    def tell_step(self, step: str, fraction: float | None, text: str) -> None:
        """The same, from something that has steps of its own."""
        self.tell(None, f"{step} {'' if fraction is None else f'{fraction:.0%}'}, {text}")

    def build(self, design, name: str) -> Artefact:
        """The artefact of a design, in a folder of the part."""
        return api.build(design, self.folder / self.part / name, progress=self.tell_step)

    def place_of(self, name: str, device) -> Path:
        """Folder of what :meth:`synthesise` makes."""
        return self.folder / self.part / f"{name}-{device.family}-{device.size}"

    def synthesise(self, component, name: str, device, *, place: bool = False,
                   clock_mhz: float = 100, seed: int = SEED, **options) -> SynthReport:
        """Netlist of a component or stage, its ports cut off; placed and routed if asked.

        A report of the same source with the same tools is taken from an earlier run.
        """
        if hasattr(component, "core"):
            component = COMPONENTS[component.core](component)
        work = self.folder / self.part
        work.mkdir(parents=True, exist_ok=True)
        source = work / f"{name}.il"
        self.tell(None, f"{name} for {device}")
        with ELABORATION:
            source.write_text(to_rtlil(component, "core"), encoding="utf-8")
        job = SynthJob(sources=[source], top="core", device=device, clock_mhz=clock_mhz,
                       place=place, out_of_context=place, seed=seed, **options)

        def tell(seen):
            self.tell(None, f"{name} for {device}: {seen.step} {seen.fraction:.0%}, {seen.message}")

        return synthesise(job, self.place_of(name, device), reuse=True, progress=tell)


def tools_of(report: SynthReport) -> str:
    """Tools of a report with their versions."""
    return ", ".join(f"{name} {version}" for name, version in report.tools.items()
                     if name != "ecppack" and name != "icepack")


def file_digests(paths) -> dict:
    """Digest of each file that is there."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in paths if path.is_file()}


def commit(package=Path(__file__).parents[2]) -> str:
    """The commit of a package's code, as a text; empty where Git does not know its files."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=package, capture_output=True, text=True,
                              check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")
        head, changed = git("rev-parse", "--short", "HEAD"), git("status", "--porcelain", ".")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"commit {head}{' with changes' if changed else ''}"


def machine() -> str:
    """The machine that runs it."""
    return f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
