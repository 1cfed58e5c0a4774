"""``hwgen train``: a recipe, to a network file."""

from pathlib import Path
from typing import Annotated

import typer

from .errors import did_you_mean, spec_error
from .options import Json, Seed
from .output import show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen train binary", "hwgen train digits-fixed --seed 2 -o rtl_out/mine",
            "hwgen train mnist-sfc-w1a1 --data FOLDER -o rtl_out/mnist")

PREFIX, TEACHER = "digits-", "digits-teacher"
MNIST = "mnist-"


def command(
    recipe: Annotated[str, typer.Argument(
        metavar="RECIPE", help="teacher, binary, fixed or sparse, or digits-binary and so on;"
        " mnist-teacher, mnist-sfc-w1a1 and so on with --data.")],
    out: Annotated[Path, typer.Option(
        "--out", "-o", help="Folder for NAME.hwgen and the checkpoints.")] = Path("rtl_out/demo"),
    seed: Seed = 1,
    data: Annotated[Path | None, typer.Option(
        "--data", help="Folder with the four IDX files of MNIST, for the mnist recipes.")] = None,
    validation: Annotated[bool, typer.Option(
        "--validation", help="mnist: hold 5,000 training samples back and measure on them.")
    ] = False,
    effort: Annotated[float, typer.Option(
        "--effort", help="mnist: share of the recipe's epochs, for a quick look.")] = 1.0,
    as_json: Json = False,
):
    """Train the teacher or one of its students on handwritten digits.

    A student needs the teacher, which is trained first, or taken from its checkpoint; so does a
    network in fixed point the float one that it was. These stay in floating point, so they have a
    checkpoint but no network file. An interrupted training goes on from its checkpoint.
    """
    name = _name(recipe)
    if name.startswith(MNIST):
        _need_data(name, data)
    elif data is not None or validation or effort != 1:
        raise spec_error(f"--data, --validation and --effort must be given for a mnist recipe, not"
                         f" for '{name}'")
    out.mkdir(parents=True, exist_ok=True)
    with show_progress() as progress:
        document = (_train_mnist(name, data, out, seed, progress, validation, effort)
                    if name.startswith(MNIST) else _train(name, out, seed, progress))
    show(document, as_json=as_json, text=lambda: _lines(document))


def _name(recipe: str) -> str:
    from hwgen.compress.recipes import STUDENTS
    from hwgen.compress.recipes_mnist import MNIST_ORIGINS, MNIST_RECIPES

    of_digits, of_mnist = (TEACHER, *STUDENTS), (*MNIST_ORIGINS, *MNIST_RECIPES)
    name = recipe if recipe.startswith((PREFIX, MNIST)) else PREFIX + recipe
    if name not in of_digits + of_mnist:
        short = [each.removeprefix(PREFIX) for each in of_digits]
        raise spec_error(f"recipe must be one of {', '.join(short)} or, with --data, one of"
                         f" {', '.join(of_mnist)}, not {recipe!r}"
                         + did_you_mean(recipe, (*short, *of_digits, *of_mnist)))
    return name


def _need_data(name: str, data: Path | None):
    if data is None:
        raise spec_error(f"--data must name the folder with the IDX files of MNIST for '{name}'")


def _train_mnist(name, data, out: Path, seed: int, progress, validation, effort) -> dict:
    from hwgen.flow.mnist import train_mnist

    document = {"recipe": name, "seed": seed, "checkpoints": str(out / "checkpoints"),
                "validation": validation}
    return document | train_mnist(
        name, data, out, seed=seed, progress=progress, validation=validation, effort=effort)


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
    teacher = (f" (float teacher {document['teacher']['accuracy']:.1f} %)"
               if "teacher" in document else "")
    digits = 1 if teacher else 2
    part = "held-back" if document.get("validation") else "test"
    return (f"[bold]{document['recipe']}[/]: {accuracy['golden']:.{digits}f} % of the {part}"
            f" images{teacher};"
            f" torch and golden agree on {scores['compared'] - scores['mismatched']:,} of"
            f" {scores['compared']:,} scores\n"
            f"[green]Written to {network}. Next: hwgen generate {network}[/]")
