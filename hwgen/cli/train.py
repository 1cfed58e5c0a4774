"""``hwgen train``: one of the demo's recipes, to a network file."""

from pathlib import Path
from typing import Annotated

import typer

from .errors import spec_error
from .options import Json, Seed
from .output import show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen train binary", "hwgen train digits-fixed --seed 2 -o rtl_out/mine")

PREFIX, TEACHER = "digits-", "digits-teacher"


def command(
    recipe: Annotated[str, typer.Argument(
        metavar="RECIPE", help="teacher, binary, fixed or sparse, or digits-binary and so on.")],
    out: Annotated[Path, typer.Option(
        "--out", "-o", help="Folder for NAME.hwgen and the checkpoints.")] = Path("rtl_out/demo"),
    seed: Seed = 1,
    as_json: Json = False,
):
    """Train the teacher or one of the three students on the handwritten digits.

    A student needs the teacher, which is trained first, or taken from its checkpoint. The teacher
    stays in floating point, so it has a checkpoint but no network file. An interrupted training
    goes on from its checkpoint.
    """
    name = _name(recipe)
    out.mkdir(parents=True, exist_ok=True)
    with show_progress() as progress:
        document = _train(name, out, seed, progress)
    show(document, as_json=as_json, text=lambda: _lines(document))


def _name(recipe: str) -> str:
    from hwgen.compress.recipes import STUDENTS

    name = recipe if recipe.startswith(PREFIX) else PREFIX + recipe
    if name not in (TEACHER, *STUDENTS):
        known = ", ".join(each.removeprefix(PREFIX) for each in (TEACHER, *STUDENTS))
        raise spec_error(f"recipe must be one of {known}, not {recipe!r}")
    return name


def _train(name: str, out: Path, seed: int, progress) -> dict:
    from hwgen.flow.training import train_all, train_teacher

    document = {"recipe": name, "seed": seed, "checkpoints": str(out / "checkpoints"),
                "network": None}
    if name == TEACHER:
        return document | train_teacher(out, seed=seed, progress=progress)
    trained, = train_all([name], out, seed=seed, progress=progress)
    return document | _about(trained, out)


def _about(trained, out: Path) -> dict:
    name = trained.name
    return {
        "network": str(out / f"{name}.hwgen"), "digest": trained.network.digest,
        "accuracy": trained.accuracy, "scores": trained.scores, "teacher": trained.teacher,
        "curve": trained.curve, "seconds": trained.seconds,
    }


def _lines(document) -> str:
    if document["network"] is None:
        return (f"[bold]{document['recipe']}[/]: {document['accuracy']:.1f} % of the test images,"
                f" {document['parameters']:,} parameters\n"
                f"[green]Checkpoint in {document['checkpoints']}; the students start from it.[/]")
    network, scores, accuracy = (document[key] for key in ("network", "scores", "accuracy"))
    return (f"[bold]{document['recipe']}[/]: {accuracy['golden']:.1f} % of the test images"
            f" (float teacher {document['teacher']['accuracy']:.1f} %);"
            f" torch and golden agree on {scores['compared'] - scores['mismatched']:,} of"
            f" {scores['compared']:,} scores\n"
            f"[green]Written to {network}. Next: hwgen generate {network}[/]")
