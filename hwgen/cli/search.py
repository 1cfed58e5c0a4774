"""``hwgen search``: widths and densities of each layer under a budget, as a recipe."""

import multiprocessing
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .carried_out import Data, Device, Fresh, shown_epoch
from .errors import spec_error
from .options import Board, Interval, Json
from .output import note, show
from .progress import show_progress
from .ranges import Bits, Held, integers_between, template_of

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen search model.py --recipe recipe.toml --budget-bits 20000",
            "hwgen search lenet.py --recipe deep.toml --data FOLDER --budget-luts 12000 --board"
            " ulx3s-85f --trials 200 --workers 2")

WHAT = {"weight_bits": "weights", "activation_bits": "bits", "density": "density"}

SHOWN = 8
"""Trials in the table."""


def command(
    model: Annotated[Path, typer.Argument(
        metavar="MODEL.py", help="Python file as for 'hwgen compress'.")],
    recipe: Annotated[Path | None, typer.Option(
        "--recipe", help="TOML file: bits of its 'quantise' and densities of its pruning steps are"
        " searched, all else stays.")] = None,
    data: Data = None,
    budget_bits: Annotated[int | None, typer.Option(
        "--budget-bits", min=1, help="Bits to store at most, by the exact account.")] = None,
    budget_luts: Annotated[int | None, typer.Option(
        "--budget-luts", min=1, help="LUTs at most, by the planner's estimate.")] = None,
    board: Board = "ulx3s-85f",
    interval: Interval = None,
    weight_bits: Bits = "2..8",
    activation_bits: Bits = "2..8",
    density: Annotated[str, typer.Option(
        metavar="LOW..HIGH", help="Densities to try, where the recipe prunes.")] = "0.02..1",
    trials: Annotated[int, typer.Option(
        "--trials", min=1, help="Trials in all, also those of earlier calls.")] = 50,
    epochs: Annotated[int, typer.Option(
        "--epochs", min=0, help="Of training in each trial, at most, for each step.")] = 0,
    workers: Annotated[int, typer.Option(
        "--workers", min=1, help="Processes; the same command in another shell takes part, too."
    )] = 1,
    held: Held = None,
    out: Annotated[Path, typer.Option(
        "--out", "-o", help="Folder for NAME-found.toml and .json, or NAME-unmet where no budget is"
        " met, NAME-search.db and checkpoints."
    )] = Path("rtl_out/compress"),
    device: Device = None,
    fresh: Fresh = False,
    as_json: Json = False,
):
    """Search the widths and densities of each layer that err least within a budget.

    Errors are those of held-back training samples; the test samples are not looked at. What is
    found is a recipe for 'hwgen compress'. A search that was interrupted goes on from its trials.
    """
    from hwgen.compress.frame.result import BudgetError

    task = {"model": model, "recipe": recipe, "data": data, "bits": budget_bits,
            "luts": budget_luts, "board": board, "interval": interval, "trials": trials,
            "weight_bits": _ends(integers_between("--weight-bits", weight_bits)),
            "activation_bits": _ends(integers_between("--activation-bits", activation_bits)),
            "density": _densities(density), "epochs": epochs, "held": held, "out": out,
            "device": device, "fresh": fresh}
    try:
        with _helpers(task, workers - 1) as ready, show_progress() as progress:
            found = _found(task, progress, ready)
    except BudgetError as error:
        path = error.result.save(out)
        raise BudgetError(f"{error}. Its recipe is written to {path}, for 'hwgen compress', without"
                          f" the budget that it does not meet", error.result) from error
    path = found.save(out)
    show({"recipe": str(path), **found.to_dict()}, as_json=as_json,
         text=lambda: [_table(found), _line(found, path, data)])


def _found(task: dict, progress=None, ready=None):
    """Search, or help to; without ``progress`` nothing is told."""
    from hwgen.compress.frame.source import load_source
    from hwgen.compress.study.search import Limits, search
    from hwgen.compress.study.space import Ranges
    from hwgen.flow.estimate import luts_on

    template = template_of(task["recipe"], task["model"])
    module, split = load_source(task["model"], seed=template.seed, folder=task["data"])
    interval = "" if task["interval"] is None else f", interval {task['interval']}"
    limits = Limits(bits=task["bits"], cost=task["luts"], unit=f"LUTs of {task['board']}{interval}",
                    cost_of=task["luts"] and luts_on(task["board"],
                                                     interval_cycles=task["interval"]))
    ranges = Ranges(**{name: task[name] for name in ("weight_bits", "activation_bits", "density")})
    tell = {} if progress is None else {
        "progress": lambda epoch: shown_epoch(progress, epoch),
        "tell": lambda trial, done, of: progress(
            f"{template.name}: search", min(1, done / of),
            f"{done} of {of}: {trial.error:g} %, {trial.bits:,} bits"
            + ("" if trial.cost is None else f", {trial.cost:,.0f} LUTs"))}
    return search(module, template, split, limits, ranges=ranges, trials=task["trials"],
                  epochs=task["epochs"], held=task["held"], folder=task["out"], ready=ready,
                  device=task["device"], fresh=task["fresh"], **tell)


def _help(task: dict) -> None:
    """Take part in a search, in a process of its own; what was found is told by the first one."""
    from hwgen.compress.frame.result import BudgetError

    try:
        _found(task)
    except BudgetError:
        return


@contextmanager
def _helpers(task: dict, count: int):
    """Give a function that starts further processes; wait for them at the end."""
    processes = [multiprocessing.get_context("spawn").Process(target=_help,
                                                            args=(task | {"fresh": False},))
                 for _ in range(count)]

    def ready():
        for process in processes:
            process.start()

    try:
        yield ready
    finally:
        for process in processes:
            if process.pid is not None:
                process.join()
                if process.exitcode:
                    note(f"a further process ended with exit code {process.exitcode}")


def _ends(found: range) -> tuple[int, int]:
    return found[0], found[-1]


def _densities(text: str) -> tuple[float, float]:
    number = r"([0-9]*\.?[0-9]+)"
    found = re.fullmatch(rf"{number}(?:\.\.{number})?", text)
    if not found:
        raise spec_error(f"--density must be a number, or two as in 0.02..1, not {text!r}")
    return float(found[1]), float(found[2] or found[1])


def _table(found) -> Table:
    """The best trials, and what each chose."""
    has_cost = found.limits.cost is not None
    columns = ["error, %", "bits", *(["LUTs"] if has_cost else []),
               *(_column(key) for key in found.best.choice)]
    table = Table(title=f"{found.recipe.name}: the best of {len(found.trials)} trials,"
                        f" {found.limits}", title_justify="left")
    for name in columns:
        table.add_column(name, justify="right")
    within = [each for each in found.trials if not found.limits.excess(each.bits, each.cost)]
    shown = sorted(within, key=lambda each: (each.error, each.bits))
    for each in list({str(trial.choice): trial for trial in shown}.values())[:SHOWN]:
        cost = [f"{each.cost:,.0f}"] if has_cost else []
        table.add_row(f"{each.error:.2f}", f"{each.bits:,}", *cost,
                      *(f"{value:g}" for value in each.choice.values()))
    return table


def _column(key: str) -> str:
    _, what, layer = key.split(" ", 2)
    return f"{layer}\n{WHAT[what]}"


def _line(found, path, data) -> str:
    even = "none of one width for all is within the budget" if found.even is None else (
        f"one width for all weights: {found.even.error:.2f} %, {found.even.bits:,} bits")
    return (f"[bold]{found.best.error:.2f} %[/] of {found.held:,} held-back training samples,"
            f" {found.best.bits:,} bits; {even}\n[green]Written to {path}. Next: hwgen compress"
            f" MODEL.py --recipe {path}{'' if data is None else f' --data {data}'}[/]")
