"""``hwgen compress``: plain PyTorch and a recipe, to a network file with its exact size."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .options import Json
from .output import show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen compress model.py --recipe recipe.toml",
            "hwgen compress lenet.py --recipe deep.toml --data FOLDER -o rtl_out/lenet")


def command(
    model: Annotated[Path, typer.Argument(
        metavar="MODEL.py", help="Python file that holds 'model', a torch.nn.Module or a function"
        " that makes one; and 'data', if it is not MNIST's or the 8x8 digits.")],
    recipe: Annotated[Path, typer.Option("--recipe", help="TOML file; see docs/compress.md.")],
    data: Annotated[Path | None, typer.Option(
        "--data", help="Folder with four IDX files such as MNIST's.")] = None,
    out: Annotated[Path, typer.Option(
        "--out", "-o", help="Folder for NAME.hwgen, the report and the checkpoints."
    )] = Path("rtl_out/compress"),
    device: Annotated[str | None, typer.Option(
        "--device", help="cpu or cuda; by default cuda where torch has one.")] = None,
    as_json: Json = False,
):
    """Compress a model by a recipe of steps: prune, share, quantise and so on.

    The recipe is checked against the model before anything is trained. An interrupted run goes on
    from its checkpoints.
    """
    from hwgen.compress import Recipe, compress
    from hwgen.compress.frame.result import BudgetError
    from hwgen.compress.frame.source import load_source

    plan = Recipe.load(recipe)
    module, split = load_source(model, seed=plan.seed, folder=data)
    with show_progress() as progress:
        try:
            result = compress(module, plan, split, folder=out / "checkpoints", device=device,
                              progress=lambda epoch: _tell(progress, epoch))
        except BudgetError as error:
            error.result.save(out)
            raise
    path = result.save(out)
    document = {"network": str(path), **result.to_dict()}
    show(document, as_json=as_json, text=lambda: [_table(result), _line(result, path)])


def _tell(progress, epoch):
    progress(epoch.name, epoch.epoch / epoch.epochs,
             f"epoch {epoch.epoch} of {epoch.epochs}, loss {epoch.loss:.3f}, accuracy"
             f" {100 * epoch.accuracy:.1f} %, {epoch.bits:,} bits")


def _table(result) -> Table:
    table = Table("node", "part", "bits", "stored as", title=result.network.name,
                  title_justify="left")
    before = None
    for entry in result.account.entries:
        table.add_row("" if entry.node == before else f"[bold]{entry.node}[/]", entry.part,
                      f"{entry.bits:,}", entry.storage)
        before = entry.node
    return table


def _line(result, path) -> str:
    account, accuracy = result.account, result.accuracy
    return (f"[bold]{account.bits:,} bits[/], {account.ratio:.1f} times fewer than"
            f" {account.parameters:,} floats; {account.nonzeros:,} of {account.weights:,} weights"
            f" are not 0\n"
            f"{accuracy['golden']:.2f} % of the test samples (float {accuracy['float']:.2f} %);"
            f" torch and golden agree on every score\n"
            f"[green]Written to {path}. Next: hwgen generate {path}[/]")
