"""A recipe on a network and a data set: how it is run, and its rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hwgen.flow.steps import code_digest

from ..frame.bench import machine
from ..frame.row import Row

__all__ = ["FOLDERS", "Part", "Work", "folder_of", "trained"]

FOLDERS = {"MNIST": "mnist", "Fashion-MNIST": "fashion-mnist"}
"""Data set to its folder inside of --data."""

FIRST = "train-images-idx3-ubyte"


@dataclass(frozen=True, kw_only=True)
class Work:
    """One recipe on one network.

    Members
    -------
    method : str        as the table names it
    network : str       one of hwgen.compress.lenets.LENETS
    data : str          one of :data:`FOLDERS`
    recipe : mapping    as a recipe's TOML file has it, see docs/compress.md
    must : mapping of metric to bound; metrics are ``error``, ``bits``, ``ratio``, ``weights``
    published : mapping of metric to text
    """

    method: str
    network: str
    data: str
    recipe: Mapping
    must: Mapping
    published: Mapping

    @property
    def name(self) -> str:
        """Names its row, and its recipe."""
        return f"{self.method}, {self.network}, {self.data}"


def trained(name: str, *steps, epochs: int) -> dict:
    """A recipe as its TOML file has it: the float network trained, ``steps``, 8 bits, Huffman.

    Each of ``steps`` is a mapping; those with ``behind`` stand behind the 8 bits.
    """
    common = {"batch": 200, "shift": 0.4}
    before = [step for step in steps if not step.get("behind")]
    behind = [{k: v for k, v in step.items() if k != "behind"} for step in steps
              if step.get("behind")]
    return {"name": name, "seed": 1, "step": [
        *({**common, **step} for step in (
            {"kind": "train", "epochs": epochs, "lr": 2e-3}, *before,
            {"kind": "quantise", "weight_bits": 8, "activation_bits": 8, "epochs": 1, "lr": 3e-4},
            *behind)),
        {"kind": "code"}]}


def folder_of(bench, data: str) -> Path | None:
    """Folder of a data set's IDX files; None where there is none."""
    if bench.data is None:
        return None
    places = [bench.data / FOLDERS[data]] + [bench.data] * (data == "MNIST")
    return next((place for place in places
                 if any((place / f"{FIRST}{end}").is_file() for end in ("", ".gz"))), None)


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

    def inputs(self) -> dict:
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


def _rows(bench, work):
    from hwgen.compress import Recipe, compress, mnist
    from hwgen.compress.lenets import lenet, lenet_split

    recipe = Recipe.from_dict(work.recipe, work.name)
    split = lenet_split(work.network, mnist(folder_of(bench, work.data)))
    folder = bench.folder / bench.part / f"{work.network}-{FOLDERS[work.data]}"

    def tell(epoch):
        bench.tell(None, f"{work.name}: {epoch.name} {epoch.epoch} of {epoch.epochs}, loss"
                         f" {epoch.loss:.3f}, accuracy {100 * epoch.accuracy:.2f} %,"
                         f" {epoch.bits:,} bits")

    result = compress(lenet(work.network, seed=recipe.seed), recipe, split, folder=folder,
                      progress=tell, device="cpu")
    result.save(folder)
    account = result.account
    values = {"error": (result.error, "%"), "bits": (account.bits, ""),
              "ratio": (round(account.ratio, 2), "x"),
              "weights": (round(account.weights / account.nonzeros, 2), "x")}
    for metric, (value, unit) in values.items():
        yield Row(work=work.name, metric=METRICS[metric], value=value, unit=unit,
                  must=work.must.get(metric), published=work.published.get(metric, ""),
                  device=machine(), seed=recipe.seed)


METRICS = {"error": "error, 10,000 test images, golden", "bits": "bits that are stored",
           "ratio": "times smaller than its floats", "weights": "times fewer weights but 0"}
