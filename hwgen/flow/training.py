"""The demo's trainings: the teacher, the students distilled from it, and their exact networks."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .. import golden
from ..ir import Network
from ..ir import load as load_network
from .steps import Progress, Steps, code_digest, digest_of

__all__ = ["TrainedNetwork", "train_all", "train_teacher"]

TEACHER = "digits-teacher"

SOURCES = ("numeric", "ir", "golden", "compress", "flow")
"""Packages whose code decides what a training gives."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A student as an exact network, with what was measured on the test images.

    Members
    -------
    network : Network
    x, labels : int64 ``(n, 64)``, ``(n,)``     the test images
    accuracy : dict      ``torch`` and ``golden``, percent
    scores : dict        ``compared`` and ``mismatched``: torch against golden, every score
    curve : list of dict the epochs
    teacher, dataset : dict
    seconds : float      of the training
    reused : list of str steps that were there already
    """

    network: Network
    x: np.ndarray
    labels: np.ndarray
    accuracy: dict
    scores: dict
    curve: list
    teacher: dict
    dataset: dict
    seconds: float
    reused: list

    @property
    def name(self) -> str:
        return self.network.name


def train_all(names: Sequence[str], out: Path, *, seed: int,
              progress: Progress) -> Iterator[TrainedNetwork]:
    """Train the teacher, then each student of ``names``; each is yielded as soon as it is done."""
    from ..compress import digits

    split = digits()
    dataset = {"name": "scikit-learn digits, 8x8", "train": len(split.x_train),
               "test": len(split.x_test)}
    lab = _Lab(split, out, seed, progress)
    teacher = lab.teacher()
    for name in names:
        yield lab.student(name, teacher, dataset)


def train_teacher(out: Path, *, seed: int, progress: Progress) -> dict:
    """Train the float teacher alone, or take it from its checkpoint.

    Returns
    -------
    dict    ``accuracy`` on the test images (percent), ``parameters``, ``curve`` (the epochs),
            ``seconds`` of the training, and ``reused``, the steps that were there already.
    """
    from ..compress import digits

    return _Lab(digits(), out, seed, progress).teacher_alone()


class _Lab:
    """Data, folders and seed that all trainings share; the float teacher in memory once needed."""

    def __init__(self, split, out, seed, progress):
        self.split, self.out, self.seed, self.progress = split, out, seed, progress
        self._key = digest_of(code_digest(*SOURCES), seed)
        # One folder for each seed and code: a checkpoint of another training would be refused.
        self.checkpoints = out / "checkpoints" / self._key[:12]
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        self._teacher = None

    def _steps(self, name) -> Steps:
        return Steps(self.out / f"{name}.steps.json", progress=self.progress, name=name)

    def teacher_module(self, tell=None):
        """The trained teacher; from its checkpoint where there is one."""
        from ..compress.recipes import train_teacher

        if self._teacher is None:
            self._teacher = train_teacher(self.split, seed=self.seed, folder=self.checkpoints,
                                          progress=tell)
        return self._teacher

    def teacher(self) -> dict:
        """Accuracy (percent), parameters and curve of the teacher."""
        return self._teach(self._steps(TEACHER))

    def teacher_alone(self) -> dict:
        """The same, with what it took."""
        steps = self._steps(TEACHER)
        found = self._teach(steps)
        return {**found, "seconds": steps.seconds["train"],
                "reused": [f"{TEACHER}: {step}" for step in steps.reused]}

    def _teach(self, steps) -> dict:
        def train():
            from ..compress.recipes import accuracy, float_scores

            curve = []
            module = self.teacher_module(_recorder(curve, steps))
            scores = float_scores(module, self.split.x_test)
            return {"accuracy": 100 * accuracy(scores, self.split.y_test), "curve": curve,
                    "parameters": sum(p.numel() for p in module.parameters())}

        return steps.run("train", self._key, train)

    def student(self, name, teacher: dict, dataset: dict) -> TrainedNetwork:
        """The student called ``name``, trained, exported, and compared with golden."""
        steps = self._steps(name)
        path = self.out / f"{name}.hwgen"
        found = steps.run("train", self._key, lambda: self._train(name, path, steps),
                          needs=(path,))
        return TrainedNetwork(
            network=load_network(path), x=self.split.x_test, labels=self.split.y_test,
            accuracy=found["accuracy"], scores=found["scores"], curve=found["curve"],
            teacher=teacher, dataset=dataset, seconds=steps.seconds["train"],
            reused=[f"{name}: {step}" for step in steps.reused])

    def _train(self, name, path, steps) -> dict:
        from ..compress import export, predict_integers
        from ..compress.recipes import accuracy, train_student

        curve = []
        module = train_student(name, self.split, self.teacher_module(), seed=self.seed,
                               folder=self.checkpoints, progress=_recorder(curve, steps))
        torch_scores = predict_integers(module, self.split.x_test)
        meta = {"dataset": "digits", "seed": self.seed,
                "accuracy": 100 * accuracy(torch_scores, self.split.y_test)}
        network = export(module, self.split.x_train[:1], name=name, meta=meta)
        network.save(path)
        golden_scores = golden.run(network, self.split.x_test)[network.scores]
        return {
            "accuracy": {"torch": meta["accuracy"],
                         "golden": 100 * accuracy(golden_scores, self.split.y_test)},
            "scores": {"compared": golden_scores.size,
                       "mismatched": int(np.count_nonzero(golden_scores != torch_scores))},
            "curve": curve,
        }


def _recorder(curve, steps):
    """Takes each epoch into ``curve`` and reports it."""
    def record(epoch):
        curve.append(asdict(epoch))
        steps.tell("train", epoch.epoch / epoch.epochs,
                   f"{epoch.name}: loss {epoch.loss:.3f}, accuracy {100 * epoch.accuracy:.1f} %,"
                   f" density {100 * epoch.density:.0f} %")
    return record
