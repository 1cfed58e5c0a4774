"""LeNet-300-100 on the EIE engine: what it stores, Huffman codes, cycles; simulated whole.

Densities and widths are those of Deep Compression (arXiv 1510.00149, tables 2 and 4); which
weights stay, and their values, are random. Beside it the pipeline of sparse stages, a core for each
layer, of the same storage.
"""

from math import gcd

import numpy as np

from hwgen.emit.engines.eie import through
from hwgen.flow.eie import fitted_spec, network_cycles, parts_of, work_of
from hwgen.flow.engine import build_engine, verify_engine
from hwgen.golden import run
from hwgen.host.eie import EieHost
from hwgen.ir import Argmax, Input, MatVec, Network, Requantise, Shared
from hwgen.numeric import Fixed
from hwgen.plan.stages import SparseStage

from ..frame.bench import machine
from ..frame.row import Row

__all__ = ["FORMS", "KEY", "lacking", "lenet", "measure", "stages_of", "vectors"]

SIZES, DENSITIES = (784, 300, 100, 10), (0.08, 0.09, 0.26)
FORMS = {"6-bit codes, 5-bit index": (6, 5), "4-bit codes, 4-bit index": (4, 4)}
PE, LANES, VECTORS, PIXELS, SEED = 16, 16, 8, 0.19, 0
U8 = Fixed(8, signed=False)

KEY = (SIZES, DENSITIES, tuple(FORMS.items()), PE, LANES, VECTORS, PIXELS, SEED)


def lacking(bench) -> None:
    """Nothing is needed."""


def lenet(code_bits: int) -> Network:
    """LeNet-300-100, pruned at random, with codebooks of ``2**code_bits`` values, 0 among them."""
    rng, nodes = np.random.default_rng(SEED), [Input("x", (), (SIZES[0],), U8)]
    for k, (n_in, n_out) in enumerate(zip(SIZES, SIZES[1:], strict=False), start=1):
        values = rng.choice(np.r_[-80:0, 1:81], (1 << code_bits) - 1, replace=False)
        # Values near 0 are the usual ones: what Huffman codes live on.
        shares = np.exp(-np.abs(values) / 25)
        weights = np.zeros(n_in * n_out, np.int64)
        kept = rng.choice(weights.size, round(DENSITIES[k - 1] * weights.size), replace=False)
        weights[kept] = rng.choice(values, len(kept), p=shares / shares.sum())
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), Shared.of(weights.reshape(n_out, n_in)),
                            rng.integers(-500, 500, n_out)))
        if k < len(DENSITIES):
            nodes.append(Requantise(f"rq{k}", (nodes[-1].name,), np.array([1]), 7, "half_up", U8))
    return Network("lenet-300-100", (*nodes, Argmax("class", (nodes[-1].name,))),
                   (nodes[-1].name, "class"))


def vectors() -> np.ndarray:
    """Random pixels, as many of them not 0 as in MNIST."""
    rng = np.random.default_rng(SEED + 1)
    return rng.integers(1, 256, (VECTORS, SIZES[0])) * (rng.random((VECTORS, SIZES[0])) < PIXELS)


def stages_of(network: Network, index_bits: int) -> list[SparseStage]:
    """A sparse stage for each layer, of the same storage."""
    stages = []
    for node in network.nodes:
        if isinstance(node, MatVec):
            post = next((other for other in network.nodes if isinstance(other, Requantise)
                         and other.inputs == (node.name,)), None)
            edge = network.edges[node.inputs[0]]
            stages.append(SparseStage(node, edge, post, min(PE, node.weights.shape[0]), 8,
                                      simd=gcd(edge.size, 16), index="relative",
                                      index_bits=index_bits, values="codes"))
    return stages


def measure(bench):
    """Storage, cycles and a simulation of each form."""
    x = vectors()
    for form, (code_bits, index_bits) in FORMS.items():
        network = lenet(code_bits)
        spec = fitted_spec(network, pe=PE, lanes=LANES, code_bits=code_bits, index_bits=index_bits,
                           huffman=True)
        work = {"work": f"LeNet-300-100 on {PE} PEs, {form}"}
        yield from _stored(work, spec, network, index_bits)
        ends = network_cycles(spec, network, x)
        yield Row(**work, metric="cycles of a vector", unit="cycles",
                  value=round((ends[-1] - ends[0]) / (VECTORS - 1)))
        yield Row(**work, metric="cycles until the first, loading included", unit="cycles",
                  value=ends[0] + 1)
        yield Row(**work, metric="the same, loaded as Huffman codes", unit="cycles",
                  value=network_cycles(spec, network, x, huffman=True)[0] + 1)
        yield from _simulated(bench, work, spec, network, x, code_bits)


def _stored(work, spec, network, index_bits):
    """Bits in the engine, bits that the stages store, bits of Huffman codes."""
    host, parts = EieHost.from_manifest(spec.to_dict()), parts_of(network)
    program = host.program(parts.layers, huffman=True)
    stored = host.stored_bits(program)
    stages = [stage.memory_bits for stage in stages_of(network, index_bits)]
    entries = sum(bits["weights"] + bits["index"] for bits in stages)
    held = stored["weights"] + stored["index"] + stored["padding"]
    yield Row(**work, metric="entries", value=program.entries)
    yield Row(**work, metric="padding", value=program.padding)
    yield Row(**work, metric="weights and indices", unit="bits", value=held,
              must=f"== {entries}")
    yield Row(**work, metric="the same in the pipeline of sparse stages", unit="bits",
              value=entries)
    yield Row(**work, metric="the same as Huffman codes", unit="bits", value=program.coded_bits)
    yield Row(**work, metric="pointers", unit="bits", value=stored["pointers"])


def _simulated(bench, work, spec, network, x, code_bits):
    """Verilog against golden, score by score and cycle by cycle, loaded as Huffman codes."""
    folder = bench.folder / bench.part / f"lenet-{code_bits}"
    given = work_of(network, x, huffman=True)
    build_engine(spec, folder, progress=bench.tell_step)
    result = verify_engine(folder, products=[given], progress=bench.tell_step)
    scores = run(network, x)[network.scores]
    wrong = np.count_nonzero(result.products[0] != scores)
    wrong += np.count_nonzero(through(given.layers, given.x)[0] != scores)
    at = {"device": machine(), "tools": f"Verilator {result.version}", "seed": SEED}
    yield Row(**work, **at, metric="simulated scores that differ from golden", value=int(wrong),
              must="== 0")
    cycles = network_cycles(spec, network, x, huffman=True)[-1] + 1
    yield Row(**work, **at, metric="cycles simulated", unit="cycles", value=result.cycles,
              must=f"== {cycles}")
