"""A recipe on a network and a data set: how it is run, and its rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial

from hwgen.flow.steps import code_digest

from ..frame.bench import machine
from ..frame.idx import FOLDERS, folder_of
from ..frame.row import Row

__all__ = ["COMMON", "METRICS", "Part", "Work", "compressed", "trained"]

COMMON = {"batch": 200, "shift": 0.4}
"""Of every training."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """One recipe on one network.

    Members
    -------
    method : str        as the table names it
    network : str       one of hwgen.compress.lenets.LENETS
    data : str          one of :data:`~hwgen.bench.frame.idx.FOLDERS`
    recipe : mapping    as a recipe's TOML file has it, see docs/compress.md
    must : mapping of metric to bound; metrics are those of :data:`METRICS`
    published : mapping of metric to text
    start : int         epochs that the float network is trained first, once for all such works
    gates : bool        whether its hardware is measured, see :mod:`.gates`
    """

    method: str
    network: str
    data: str
    recipe: Mapping
    must: Mapping = field(default_factory=dict)
    published: Mapping = field(default_factory=dict)
    start: int = 0
    gates: bool = False

    @property
    def name(self) -> str:
        """Names its row, and its recipe."""
        return f"{self.method}, {self.network}, {self.data}"


def trained(name: str, *steps, epochs: int) -> dict:
    """A recipe as its TOML file has it: the float network trained, ``steps``, 8 bits, Huffman.

    Each of ``steps`` is a mapping; those with ``behind`` stand behind the 8 bits.
    """
    before = [step for step in steps if not step.get("behind")]
    behind = [{k: v for k, v in step.items() if k != "behind"} for step in steps
              if step.get("behind")]
    return {"name": name, "seed": 1, "step": [
        *({**COMMON, **step} for step in (
            {"kind": "train", "epochs": epochs, "lr": 2e-3}, *before,
            {"kind": "quantise", "weight_bits": 8, "activation_bits": 8, "epochs": 1, "lr": 3e-4},
            *behind)),
        {"kind": "code"}]}


class Part:
    """A part of the benchmark: works one after another; see :mod:`hwgen.bench.binary_parts`.

    Parameters
    ----------
    file : path                of the module that has the works
    works : sequence of Work
    """

    def __init__(self, file, works):
        self.__file__, self.works = file, tuple(works)
        self.KEY = [asdict(work) for work in self.works]

    def inputs(self, bench) -> dict:
        """What decides the rows besides the recipes; trainings that are done stay done."""
        return {"compress": code_digest("compress")}

    def lacking(self, bench) -> str | None:
        """Data that are not there, as a text."""
        for work in self.works:
            if folder_of(bench, work.data) is None:
                return f"the IDX files of {work.data}, --data FOLDER"
        return None

    def measure(self, bench):
        """Rows of each work."""
        for work in self.works:
            yield from _rows(bench, work)


def compressed(bench, work):
    """The result of a work's recipe, and the data; its trainings are kept for other parts, too.

    A training that is there, but of other settings, is done anew.
    """
    from hwgen.compress import CheckpointError, Recipe, compress, mnist
    from hwgen.compress.lenets import lenet_split

    recipe = Recipe.from_dict(work.recipe, work.name)
    split = lenet_split(work.network, mnist(folder_of(bench, work.data)))
    folder = bench.folder / "recipes" / f"{work.network}-{FOLDERS[work.data]}"
    tell = partial(_tell, bench, work)
    given = {"folder": folder, "progress": tell, "device": "cpu"}
    model = _model(bench, work, split, recipe.seed, tell)
    try:
        result = compress(model, recipe, split, **given)
    except CheckpointError:
        result = compress(model, recipe, split, **given, fresh=True)
    result.save(folder)
    return result, split


def _rows(bench, work):
    result, _ = compressed(bench, work)
    account = result.account
    values = {"error": (result.error, "%"), "bits": (account.bits, ""),
              "ratio": (round(account.ratio, 2), "x"),
              "weights": (round(_weights(work.network) / account.nonzeros, 2), "x")}
    if work.start:
        values["float"] = round(100 - result.accuracy["float"], 4), "%"
        values["above"] = round(result.error - values["float"][0], 4), "points"
    for metric, (value, unit) in values.items():
        yield Row(work=work.name, metric=METRICS[metric], value=value, unit=unit,
                  must=work.must.get(metric), published=work.published.get(metric, ""),
                  device=machine(), seed=result.recipe.seed)


def _weights(network: str) -> int:
    """Entries of the matrices of the float network."""
    from hwgen.compress.lenets import lenet

    return sum(each.numel() for each in lenet(network, seed=1).parameters() if each.dim() > 1)


def _model(bench, work, split, seed, tell):
    """The network as the recipe gets it: with random weights, or trained in float."""
    from hwgen.compress import CheckpointError, Settings, train
    from hwgen.compress.lenets import Unscaled, lenet

    model = lenet(work.network, seed=seed)
    if not work.start:
        return model
    kept = bench.folder / "float" / f"{work.network}-{FOLDERS[work.data]}-{work.start}.ckpt"
    settings = Settings(epochs=work.start, seed=seed, lr=2e-3, **COMMON)
    given = {"settings": settings, "name": "float", "checkpoint": kept, "progress": tell}
    try:
        return train(Unscaled(model), split, **given).net
    except CheckpointError:
        kept.unlink()
        return train(Unscaled(lenet(work.network, seed=seed)), split, **given).net


def _tell(bench, work, epoch):
    bits = "" if epoch.bits is None else f", {epoch.bits:,} bits"
    bench.tell(None, f"{work.name}: {epoch.name} {epoch.epoch} of {epoch.epochs}, loss"
                     f" {epoch.loss:.3f}, accuracy {100 * epoch.accuracy:.2f} %{bits}")


METRICS = {"error": "error, 10,000 test images, golden", "bits": "bits that are stored",
           "ratio": "times smaller than its floats", "weights": "times fewer weights but 0",
           "float": "error of the float network", "above": "error above that of the float network"}
