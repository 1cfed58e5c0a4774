"""``hwgen run``: vectors to a board, scores back."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, load_integers
from .output import note, show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = (
    "hwgen run --port /dev/ttyUSB0 x.npy --artefact rtl_out/digits-binary -o scores.npy",
    "hwgen run --port /dev/ttyUSB0 x.npy --artefact rtl_out/mine --load other.hwgen",
)

SHOWN = 10


def command(
    x: Annotated[Path, typer.Argument(
        metavar="X.npy", help="Input vectors, integers of shape (n, ...).")],
    port: Annotated[str, typer.Option("--port", help="Serial port, such as /dev/ttyUSB0 or COM3.")],
    artefact: Annotated[Path, typer.Option(
        "--artefact", help="Artefact folder that the board was built from.")] = Path(),
    load: Annotated[Path | None, typer.Option(
        "--load", help="Where weights are loaded: a network of the same structure, whose weights "
                       "to load; by default those of the artefact.")] = None,
    baud: Annotated[int, typer.Option("--baud", help="Bits a second.")] = 1_000_000,
    timeout_s: Annotated[float, typer.Option(
        "--timeout", help="Seconds of silence before a request is repeated.")] = 1.0,
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="File for the scores, .npy.")] = None,
    as_json: Json = False,
):
    """Run vectors on a board, and compare every score with the golden model's.

    Where the artefact loads its weights they are loaded first.

    Ends with 1 if a score differs.
    """
    import numpy as np

    from hwgen.flow.artefact import Artefact
    from hwgen.host import BoardClient

    vectors = load_integers(x, "x")
    source = Artefact(artefact)
    network, weights = _weights(source, load)
    with (BoardClient(port, manifest=source.manifest, baud=baud, timeout_s=timeout_s) as client,
          show_progress() as progress):
        if weights is not None:
            client.load(weights, progress=lambda done, total: progress(
                "load", done / total, f"{done} of {total} chunks of weights"))
        scores, classes = client.infer(vectors, progress=lambda done, total: progress(
            "board", done / total, f"{done} of {total} vectors"))
    if out is not None:
        np.save(out, scores)
        note(f"scores written to {out}")
    document = _compare(network, vectors, scores) | {
        "port": port, "scores": scores, "classes": classes}
    show(document, as_json=as_json, text=lambda: _lines(document))
    if document["mismatched"]:
        raise typer.Exit(1)


def _weights(source, load: Path | None):
    """The network that the board is to compute, and what loads its weights, if something does."""
    from hwgen import ir

    if load is None and "weights" not in source.manifest:
        return source.network, None
    other = None if load is None else ir.load(load)
    weights = source.weight_bytes(other)
    thresholds = source.manifest["weights"]["thresholds"]
    network = source.network if other is None else ir.replaced(source.network, other,
                                                               thresholds=thresholds)
    return network, weights


def _compare(network, vectors, scores) -> dict:
    """Count the scores that are not the golden model's, and tell of the first."""
    import numpy as np

    from hwgen import golden

    expected = golden.run(network, vectors)[network.scores]
    wrong = np.argwhere(scores != expected)
    first = None
    if len(wrong):
        index = tuple(wrong[0].tolist())
        first = {"node": network.scores, "index": list(index), "expected": int(expected[index]),
                 "found": int(scores[index])}
    return {"compared": int(scores.size), "mismatched": len(wrong), "first": first}


def _named(classes) -> str:
    """``class 3``; of the k best, ``classes 3 1 7``."""
    return f"classes {' '.join(map(str, classes))}" if classes.ndim else f"class {classes}"


def _lines(document) -> list[str]:
    classes = document["classes"]
    lines = []
    for k, row in enumerate(document["scores"][:SHOWN]):
        answer = "" if classes is None else f"[bold]{_named(classes[k])}[/]  "
        lines.append(f"{k:4}: {answer}scores {row.tolist()}")
    if len(document["scores"]) > SHOWN:
        lines.append(f"  ... {len(document['scores']) - SHOWN} more (-o FILE writes all)")
    style = "bold red" if document["mismatched"] else "green"
    first = document["first"]
    where = "" if first is None else (
        f"; first: node '{first['node']}', index {first['index']}, expected {first['expected']},"
        f" found {first['found']}")
    lines.append(f"[{style}]{document['compared']} scores compared with golden,"
                 f" {document['mismatched']} mismatched[/]{where}")
    return ["\n".join(lines)]
