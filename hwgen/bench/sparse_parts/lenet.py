"""LeNet-300-100 compressed as Deep Compression does: on the EIE engine, and as a pipeline.

Densities and widths are those of Deep Compression (arXiv 1510.00149, table 4) and, of the second
form, of EIE (arXiv 1602.01528); trained on MNIST by the recipes beside the networks. Bits that the
account of the compression claims must be those of the memories, and of the stream that fills them.
"""

import numpy as np

from hwgen.emit.engines.eie import through
from hwgen.flow import api
from hwgen.flow.eie import network_cycles, parts_of, work_of
from hwgen.flow.eie_fit import dealt_out, fitted_spec
from hwgen.flow.engine import build_engine, verify_engine
from hwgen.flow.mnist import as_read
from hwgen.golden import run
from hwgen.host.eie import EieHost
from hwgen.ir import MatVec, Network
from hwgen.plan import Design, plan
from hwgen.plan.stages import SparseStage

from ..frame import trained
from ..frame.bench import SEED, machine
from ..frame.devices import ecp5_target
from ..frame.idx import folder_of
from ..frame.row import Row

__all__ = ["FORMS", "KEY", "NAMES", "bits", "design_of", "inputs", "lacking", "matrices_of",
           "measure", "network_of", "spec_of"]

FORMS = {"6-bit codes, 5-bit index": (6, 5), "4-bit codes, 4-bit index": (4, 4)}
NAMES = [f"deep/lenet300-{code}-{index}" for code, index in FORMS.values()]
DENSITIES = {"fc1": 8, "fc2": 9, "fc3": 26}
ERROR = 1.58
"""Percent, of Deep Compression's LeNet-300-100."""

PE, LANES, SIMD, QUEUE_DEPTH, IMAGES = 16, 16, 4, 8, 250
CLK_HZ, SLOWEST = 100_000_000, 4_096

KEY = (tuple(FORMS.items()), tuple(DENSITIES.items()), ERROR, PE, LANES, SIMD, QUEUE_DEPTH, IMAGES,
       CLK_HZ, SLOWEST)

ENTRIES = ("weights", "index", "padding")


def inputs(bench) -> dict:
    """Files that decide the result."""
    return trained.digests(NAMES)


def lacking(bench) -> str | None:
    """Networks and data."""
    if folder_of(bench, "MNIST") is None:
        return "the IDX files of MNIST, --data FOLDER"
    return trained.lacking(NAMES)


def network_of(code_bits: int, index_bits: int) -> Network:
    """The trained network of a form."""
    return api.load(trained.NETWORKS / "deep" / f"lenet300-{code_bits}-{index_bits}.hwgen")


def matrices_of(network: Network) -> dict[str, np.ndarray]:
    """The weights of each layer."""
    return {node.name: node.weights.to_dense() for node in network.nodes
            if isinstance(node, MatVec)}


def spec_of(network: Network, code_bits: int, index_bits: int):
    """The least engine that holds it, with EIE's queues."""
    return fitted_spec(network, pe=PE, lanes=LANES, code_bits=code_bits, index_bits=index_bits,
                       huffman=True, queue_depth=QUEUE_DEPTH)


def design_of(network: Network, index_bits: int) -> Design:
    """A sparse core for each layer, with as many elements, or as it has rows."""
    cores = {name: {"core": "sparse", "pe": min(PE, len(values)), "simd": SIMD,
                    "queue_depth": QUEUE_DEPTH, "index": "relative", "index_bits": index_bits,
                    "values": "codes"} for name, values in matrices_of(network).items()}
    return plan(network, ecp5_target(CLK_HZ), interval_cycles=SLOWEST, cores=cores, balance=False)


def measure(bench):
    """Of each form accuracy, bits, cycles, and its images through both Verilogs."""
    from hwgen.compress import mnist

    split = mnist(folder_of(bench, "MNIST"))
    images, labels = split.x_test.astype(np.int64), split.y_test
    for form, (code_bits, index_bits) in FORMS.items():
        network = network_of(code_bits, index_bits)
        work = {"work": f"LeNet-300-100, {form}", "seed": network.meta["seed"]}
        error = round(100 - trained.accuracy(network, images, labels), 2)
        yield Row(**work, metric=f"error, {len(images)} test images, golden", unit="%", value=error,
                  must=f"<= {ERROR}", published=f"{ERROR} %, Deep Compression", device="MNIST")
        for name, values in matrices_of(network).items():
            yield Row(**work, metric=f"density of {name}", unit="%", must=f"== {DENSITIES[name]}",
                      value=round(100 * np.count_nonzero(values) / values.size, 2))
        spec, design = spec_of(network, code_bits, index_bits), design_of(network, index_bits)
        yield from bits(work, network, spec, design)
        x = as_read(network, images[:IMAGES])
        yield from _on_the_engine(bench, work, spec, network, x)
        yield from _as_pipeline(bench, work, design, x)


def bits(work, network, spec, design):
    """What the account claims against what memories and the stream hold, part by part."""
    host, layers = EieHost.from_manifest(spec.to_dict()), parts_of(network).layers
    program, coded = host.program(layers), host.program(layers, huffman=True)
    held, claimed = host.stored_bits(program), _of_engine(network, spec, huffman=False)
    small = _of_engine(network, spec, huffman=True)
    yield Row(**work, metric="entries", value=program.entries)
    yield Row(**work, metric="padding", value=program.padding)
    yield from _equal(work, "weights, indices and padding", _entries(claimed), _entries(held),
                      "in the engine's memories")
    yield from _equal(work, "pointers", claimed["pointers"], held["pointers"],
                      "in the engine's memories")
    yield from _equal(work, "codebooks", claimed["codebook"], held["codebook"],
                      "in the engine's memories")
    yield from _equal(work, "weights, indices and padding as Huffman codes", _entries(small),
                      coded.coded_bits, "sent to the engine")
    yield Row(**work, metric="tables of Huffman codes", unit="bits", value=small["code tables"])
    for what, count in (("with pointers", sum(small.values())),
                        ("without pointers", sum(small.values()) - small["pointers"])):
        yield Row(**work, metric=f"times smaller than floats, Huffman codes {what}",
                  value=round(_float_bits(network) / count, 1),
                  published="" if what == "with pointers" else "Deep Compression 40, no pointers")
    of_stages = [_of_stage(stage, spec.index_bits) for stage in design.stages
                 if isinstance(stage, SparseStage)]
    for part in ("weights and indices", "pointers", "codebook", "used columns"):
        sums = [sum(each.get(part, 0) for each in side)
                for side in zip(*of_stages, strict=True)]
        yield from _equal(work, f"{part}, pipeline", *sums, "in the cores' memories")


def _equal(work, metric, claimed, held, where):
    yield Row(**work, metric=f"{metric}, as the account claims", unit="bits", value=claimed)
    yield Row(**work, metric=f"{metric}, {where}", unit="bits", value=held, must=f"== {claimed}")


def _entries(parts) -> int:
    return sum(parts.get(part, 0) for part in ENTRIES)


def _of_engine(network, spec, *, huffman) -> dict[str, int]:
    """The account of all layers, part by part."""
    from hwgen.compress.frame.elements import Engine
    from hwgen.compress.frame.stored import signed_bits

    matrices = matrices_of(network).values()
    storage = Engine(pe=spec.pe, lanes=spec.lanes, index_bits=spec.index_bits,
                     code_bits=spec.code_bits, huffman=huffman, matrices=lambda: matrices)
    total = {}
    for values in matrices:
        for part, count in storage.parts(values, signed_bits(values)).items():
            total[part] = total.get(part, 0) + count
    return total


def _of_stage(stage, index_bits) -> tuple[dict[str, int], dict[str, int]]:
    """Of a core of the pipeline what the account claims, and what it stores.

    Its codes have as many bits as its own codebook needs.
    """
    from hwgen.compress.frame.elements import Elements
    from hwgen.compress.frame.stored import signed_bits

    values = stage.mat_vec.weights.to_dense()
    storage = Elements(pe=stage.pe, index_bits=index_bits)
    claimed, held = storage.parts(values, signed_bits(values)), stage.memory_bits
    return (claimed | {"weights and indices": _entries(claimed)},
            held | {"weights and indices": _entries(held)})


def _float_bits(network) -> int:
    """Of all weights in 32 bits each."""
    return 32 * sum(values.size for values in matrices_of(network).values())


def _on_the_engine(bench, work, spec, network, x):
    """Cycles of the model, and the Verilog against golden, loaded as Huffman codes."""
    ends = network_cycles(spec, network, x)
    coded = network_cycles(spec, network, x, huffman=True)
    yield Row(**work, metric="engine: cycles of an image", unit="cycles",
              value=round((ends[-1] - ends[0]) / (len(x) - 1)))
    dealt = dealt_out(network, PE)
    deep = fitted_spec(dealt, pe=PE, lanes=LANES, code_bits=spec.code_bits,
                       index_bits=spec.index_bits, huffman=True)
    short = network_cycles(deep, dealt, x)
    yield Row(**work, metric=f"engine: the same, rows dealt out, queues of {deep.queue_depth}",
              unit="cycles", value=round((short[-1] - short[0]) / (len(x) - 1)))
    yield Row(**work, metric="engine: cycles until the first result, loading included",
              unit="cycles", value=ends[0] + 1)
    yield Row(**work, metric="engine: the same, loaded as Huffman codes", unit="cycles",
              value=coded[0] + 1)
    folder, given = _folder(bench, "engine", work), work_of(network, x, huffman=True)
    build_engine(spec, folder, progress=bench.tell_step)
    result = verify_engine(folder, products=[given], progress=bench.tell_step)
    scores = run(network, x)[network.scores]
    wrong = int(np.count_nonzero(result.products[0] != scores)
                + np.count_nonzero(through(given.layers, given.x)[0] != scores))
    yield from _verilog(work, "engine", len(x), wrong, result.version)
    yield Row(**work, metric="engine: cycles simulated, loading as Huffman codes included",
              unit="cycles", value=result.cycles, must=f"== {coded[-1] + 1}", device=machine())


def _as_pipeline(bench, work, design, x):
    """The Verilog of a core for each layer against golden, at full rate."""
    artefact = bench.build(design, _folder(bench, "pipeline", work).name)
    result = artefact.verify(x, bench="compiled", seed=SEED, progress=bench.tell_step)
    yield Row(**work, metric="pipeline: cycles of an image, no pixel 0", unit="cycles",
              value=design.interval_cycles)
    yield Row(**work, metric="pipeline: cycles of an image, simulated", unit="cycles",
              value=round(result.interval_cycles), device=machine())
    yield from _verilog(work, "pipeline", len(x), result.mismatched, result.version)


def _verilog(work, what, images, wrong, version):
    at = {"device": machine(), "tools": f"Verilator {version}"}
    yield Row(**work, **at, metric=f"{what}: images through the Verilog", value=images,
              must=">= 200")
    yield Row(**work, **at, metric=f"{what}: scores that differ from golden", value=wrong,
              must="== 0")


def _folder(bench, what, work):
    widths = "-".join(part[0] for part in work["work"].split(", ")[1:])
    return bench.folder / bench.part / f"{what}-{widths}"
