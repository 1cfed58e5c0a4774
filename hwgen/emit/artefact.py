"""Writing the artefact folder: aside, then renamed, so that it is whole or not there."""

from pathlib import Path

from ..plan import Design
from ..rtl.pipeline import Pipeline
from .folder import aside_of, complete, require_replaceable, write_json, write_verilog
from .manifest import describe
from .readme import readme
from .vectors import sample_inputs, write_vectors
from .weights import describe_loaded, weight_words

__all__ = ["write_artefact"]

BENCH_FILES = ("bench_found.py", "bench_model.py", "bench_watch.py", "compiled_bench.cpp",
               "compiled_bench.py", "object_cache.py", "run.py", "stream_bench.py")
"""The benches of a core, of those in the folder; none of them needs hwgen."""


def write_artefact(design: Design, folder, *, x=None, progress=None) -> Path:
    """Write ``folder``: Verilog, manifest, network, design, vectors, bench and README.

    Parameters
    ----------
    design : Design
    folder : path
        Made with its parents. An artefact that is there is replaced, with all that was made from
        it; a folder that holds something else is refused.
    x : integers ``(n, *shape)``, optional
        Inputs of the vectors; by default 64 frames, the extremes and random ones.
    progress : callable(str), optional
        Called with a line when a step begins, and with those of Yosys.

    Returns
    -------
    Path    The folder. Until all of it is written, the old one stays as it is.

    Raises
    ------
    TypeError    If ``design`` is none.
    SpecError    If ``folder`` holds something else, or ``x`` does not fit the network.
    ToolError    If Yosys is missing or fails.
    """
    if not isinstance(design, Design):
        raise TypeError(f"design must be a Design, not {design!r}")
    folder = Path(folder)
    require_replaceable(folder)
    say = progress or (lambda line: None)
    with aside_of(folder) as aside:
        say("golden model: vectors")
        x = sample_inputs(design.network) if x is None else x
        loaded = _write_weights(aside, design)
        write_vectors(aside / "vectors.npz", design.network, x, lanes=design.in_lanes,
                      loaded=loaded)
        say("Amaranth to Verilog")
        verilog = write_verilog(aside, Pipeline(design), design.name, progress)
        design.network.save(aside / "network.hwgen")
        write_json(aside / "design.json", design.to_dict())
        manifest = describe(design, verilog)
        complete(aside, manifest, readme(manifest), BENCH_FILES)
    return folder


def _write_weights(aside, design) -> list:
    """``weights.bin`` where weights are loaded; the one set that the vectors are for."""
    if not design.loaded:
        return []
    words = weight_words(describe_loaded(design), design.network)
    (aside / "weights.bin").write_bytes(words.astype("<u4").tobytes())
    return [(design.network, words)]
