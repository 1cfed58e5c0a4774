"""``hwgen engine eie``: one sparse core for all layers of a network, as an artefact."""

from pathlib import Path

from rich.table import Table

from .engine_output import facts, following, made
from .errors import did_you_mean, spec_error
from .options import target_of
from .output import show

__all__ = ["build_eie"]

SIZES = ("code_bits", "index_bits", "accumulator_bits", "layers", "vector", "rows", "biases",
         "columns", "entries", "queue_depth")

SAMPLES = 8
"""Vectors of a network in the bench."""


def build_eie(*, pe, lanes, sizes, network, balance, out, board, formats, flags, thresholds,
              as_json) -> None:
    """Write the artefact of an engine; tell its sizes, and what the network takes up in it."""
    from hwgen.flow.eie_fit import dealt_out, fitted_spec
    from hwgen.ir import load
    from hwgen.plan.engines import EieSpec

    if thresholds and not (flags["delta"] and network):
        raise spec_error("--threshold must come with --delta and --network, whose layers have it")
    given = {"pe": pe, "lanes": pe if lanes is None else lanes, **_sizes(sizes), **formats, **flags}
    whole = loaded = None if network is None else load(network)
    if balance and loaded is not None:
        loaded = dealt_out(loaded, pe)
    spec = EieSpec(**given) if loaded is None else fitted_spec(loaded, **given)
    work = None if loaded is None else _work(loaded, flags["huffman"], thresholds)
    document = made(spec, out or Path("rtl_out") / f"eie-{spec.pe}", target_of(board),
                    products=None if work is None else [work],
                    network=None if work is None else _held(spec, loaded, work)
                    | {"dealt_out": _moved(whole, loaded)})
    show(document, as_json=as_json, text=lambda: [_table(spec, document), *_lines(document)])


def _sizes(texts) -> dict[str, int]:
    sizes = {}
    for text in texts:
        what, _equals, number = text.partition("=")
        if what not in SIZES or not number.isdecimal():
            raise spec_error(f"--set must be WHAT=N, with WHAT of {', '.join(SIZES)}, not {text!r}"
                             + ("" if what in SIZES else did_you_mean(what, SIZES)))
        if what in sizes:
            raise spec_error(f"--set of {what} must be given once, not twice")
        sizes[what] = int(number)
    return sizes


def _work(network, huffman, thresholds):
    from hwgen.emit import sample_inputs
    from hwgen.flow.eie import parts_of, work_of

    names = [layer.name for layer in parts_of(network).layers]
    if len(thresholds) not in (0, 1, len(names)):
        raise spec_error(f"--threshold must be given once, or for each of {len(names)} layers,"
                         f" {names}, not {len(thresholds)} times")
    if len(thresholds) == 1:
        thresholds = thresholds * len(names)
    return work_of(network, sample_inputs(network, SAMPLES), huffman=huffman,
                   thresholds=dict(zip(names, thresholds, strict=False)))


def _held(spec, network, work) -> dict:
    """What the network takes up, and how long its vectors take."""
    import numpy as np

    from hwgen.emit.engines.eie import frames
    from hwgen.host.eie import EieHost

    host = EieHost.from_manifest(spec.to_dict())
    program = host.program(work.layers, huffman=work.huffman)
    done = frames(spec, [work])
    return {"name": network.name, "stored_bits": host.stored_bits(program),
            "entries": program.entries, "padding": program.padding,
            "thresholds": [layer.threshold for layer in work.layers],
            "coded_bits": program.coded_bits, "stream_bytes": len(program.words),
            "vectors": int(np.shape(work.x)[0]), "cycles": done.cycles}


def _moved(network, dealt) -> list[str]:
    """The layers whose rows stand in another order, which rows of as many nonzeros never gain."""
    import numpy as np

    from hwgen.flow.eie import parts_of

    return [layer.name for layer, before in zip(
        parts_of(dealt).layers, parts_of(network).layers, strict=True)
        if not np.array_equal(*(np.count_nonzero(each.weights, axis=1)
                                for each in (layer, before)))]


def _table(spec, document) -> Table:
    bits = sum(spec.memory_bits.values())
    return facts(f"EIE engine, {spec.pe} elements", (
            ("entries", f"{spec.entries:,} in each element, of {spec.code_bits} + {spec.index_bits}"
                        f" bits; {spec.queue_depth} columns wait in front of it"),
            ("activations, weights", f"{spec.x}, {spec.weights} in codebooks of"
                                     f" {1 << spec.code_bits}"),
            ("layers", f"up to {spec.layers}, vectors of {spec.vector:,}, {spec.columns:,}"
                       f" columns"),
            ("memories", f"{bits:,} bits")), document)


def _lines(document):
    held = document["network"]
    if held is not None:
        coded = ("" if held["coded_bits"] is None
                 else f", {held['coded_bits']:,} bits as Huffman codes")
        if any(held["thresholds"]):
            yield f"sent is what moved by more than {held['thresholds']}, layer by layer"
        if held["dealt_out"]:
            yield f"rows dealt out over the elements: {', '.join(held['dealt_out'])}"
        yield (f"{held['name']}: {held['entries']:,} entries, {held['padding']:,} of them padding"
               f"{coded}; {held['vectors']} vectors take {held['cycles']:,} cycles, loading"
               f" included")
    yield following(document)
