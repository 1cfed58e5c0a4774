"""``hwgen compress``: plain PyTorch and a recipe, to a network file with its exact size."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .carried_out import Data, Device, Fresh, carried_out
from .options import Json
from .output import show

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen compress model.py --recipe recipe.toml",
            "hwgen compress lenet.py --recipe deep.toml --data FOLDER -o rtl_out/lenet")


def command(
    model: Annotated[Path, typer.Argument(
        metavar="MODEL.py", help="Python file that holds 'model', a torch.nn.Module or a function"
        " that makes one, with random numbers seeded; and 'data', if it is not MNIST's or the 8x8"
        " digits; see docs/compress.md.")],
    recipe: Annotated[Path, typer.Option("--recipe", help="TOML file; see docs/compress.md.")],
    data: Data = None,
    out: Annotated[Path, typer.Option(
        "--out", "-o", help="Folder for NAME.hwgen, the report and the checkpoints."
    )] = Path("rtl_out/compress"),
    device: Device = None,
    fresh: Fresh = False,
    as_json: Json = False,
):
    """Compress a model by a recipe of steps: prune, share, quantise and so on.

    The recipe is checked against the model before anything is trained. An interrupted run goes on
    from its checkpoints; where a field of the recipe is another one since, --fresh begins anew.
    """
    from hwgen.compress.frame.result import BudgetError

    try:
        result, _ = carried_out(model, recipe, data, out, device, fresh=fresh)
    except BudgetError as error:
        path = error.result.save(out)
        raise BudgetError(f"{error}. It is written to {path}, which 'hwgen generate' takes",
                          error.result) from error
    path = result.save(out)
    document = {"network": str(path), **result.to_dict()}
    show(document, as_json=as_json, text=lambda: [_table(result), _line(result, path)])


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
            f"{_held(account)}"
            f"{accuracy['golden']:.2f} % of the test samples (float {accuracy['float']:.2f} %);"
            f" torch and golden agree on every score\n"
            f"[green]Written to {path}. Next: hwgen generate {path}[/]")


def _held(account) -> str:
    """What the cores' memories hold, where matrices are counted as no core stores them."""
    if account.memory_bits == account.bits:
        return ""
    sparse = dict.fromkeys(entry.node for entry in account.held if entry.storage == "columns")
    more = (f" and {', '.join(sparse)} {'has' if len(sparse) == 1 else 'have'} one element with"
            f" absolute indices; hwgen generate counts what is planned" if sparse else "")
    return (f"[bold]{account.memory_bits:,} bits[/] as the cores' memories hold the same, where no"
            f" core is chosen by hand{more}\n")
