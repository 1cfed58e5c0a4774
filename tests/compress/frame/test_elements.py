"""Storage shared out over elements, against the memories and the stream that hold it."""

import numpy as np
import pytest
from cases.eie import host_of
from cases.errors import refused

from hwgen.compress.frame.elements import Elements, Engine, matrix_of, split_of
from hwgen.compress.frame.huffman import code_lengths
from hwgen.flow.eie import parts_of
from hwgen.flow.eie_fit import fitted_spec
from hwgen.ir import Edge, Input, MatVec, Network, Requantise, Shared
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.stages import SparseStage

U4 = Fixed(4, signed=False)
EDGE = Edge((30,), U4, U4.min, U4.max)
VALUES = (-19, -7, -3, -1, 2, 5, 11)
MAGIC, KINDS = 0xE1E0, {"codebook": 2, "pointers": 4, "entries": 5, "coded": 6, "lengths": 7,
                        "symbols": 8}


def sparse(rng, shape=(40, 30), density=0.1):
    return rng.choice(VALUES, shape) * (rng.random(shape) < density)


@pytest.mark.parametrize("pe", [1, 3, 16])
@pytest.mark.parametrize("index_bits", [None, 1, 2, 4])
@pytest.mark.parametrize("density", [0.0, 0.08, 1.0])
def test_what_is_shared_out_says_the_matrix(rng, pe, index_bits, density):
    values = sparse(rng, density=density)
    split = split_of(values, pe, index_bits)
    found = matrix_of(split, len(values), relative=index_bits is not None)
    assert np.array_equal(found, values)
    assert split.counts.sum() == len(split.entries)
    assert split.indices.max(initial=0) < 1 << (index_bits or 6)


def test_entries_beyond_the_matrix_are_refused():
    split = split_of(np.eye(6, dtype=int), 2, 3)
    with refused(SpecError, "entries of element 0, column 4 must be of the 4 rows, not of row 4"):
        matrix_of(split, 4, relative=True)


@pytest.mark.parametrize("density", [0.0, 0.02, 0.1, 0.6])
@pytest.mark.parametrize("pe", [1, 7, 16])
@pytest.mark.parametrize("options", [
    {}, {"index": "relative", "index_bits": 1}, {"index": "relative", "index_bits": 2},
    {"values": "codes"}, {"index": "relative", "index_bits": 1, "values": "codes"}])
def test_elements_are_the_memories_of_the_sparse_core(rng, density, pe, options):
    """Each memory, bit for bit; the core counts padding among weights and indices."""
    values = sparse(rng, density=density)
    stage = SparseStage(MatVec("fc", ("x",), Shared.of(values)), EDGE, None, pe, 8, **options)
    account = Elements(pe=pe, index_bits=options.get("index_bits"),
                       codes=options.get("values") == "codes")
    parts, held = account.parts(values, stage.weight_format.bits), dict(stage.memory_bits)
    entries = held.pop("weights") + held.pop("index")
    assert sum(parts.pop(part, 0) for part in ("weights", "index", "padding")) == entries
    assert parts == held


def network(rng):
    """Three layers of other shapes, with few and with many zeros."""
    nodes = [Input("x", (), (30,), U4)]
    for k, (shape, density) in enumerate((((37, 30), 0.08), ((12, 37), 0.3), ((5, 12), 0.5))):
        values = sparse(rng, shape, density) * (k + 1)
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), Shared.of(values)))
        nodes.append(Requantise(f"rq{k}", (nodes[-1].name,), np.array([1]), 4, "half_up", U4))
    return Network("three", tuple(nodes), ("rq2",))


def payload_bits(words, spec, steps) -> dict[str, int]:
    """Bits of the numbers of each kind in a frame of weights, read block by block."""
    stream, found, at = np.frombuffer(words, "<u4").tolist(), {}, 0
    kinds = {number: name for name, number in KINDS.items()}
    widest = max(spec.code_bits, spec.index_bits)
    widths = {"codebook": spec.weights.bits, "pointers": spec.pointer_bits,
              "entries": spec.entry_bits, "lengths": widest + 1, "symbols": widest}
    for cycles in steps:
        assert stream[at] >> 16 == MAGIC
        kind, count = kinds.get(stream[at] & 15), (stream[at + 1] >> 16) + 1
        if kind == "coded":
            words_in = next(n for n in range(1, cycles) if -(-(cycles - n) // 32) == n)
            found[kind] = found.get(kind, 0) + cycles - words_in
        else:
            bits = widths.get(kind, 32 if stream[at] & 15 == 1 else spec.accumulator_bits)
            words_in = -(-count // (32 // bits))
            found[kind] = found.get(kind, 0) + count * bits
        at += 2 + words_in
    assert at == len(stream)
    return found


@pytest.mark.parametrize("index_bits", [1, 2, 4])
@pytest.mark.parametrize("pe", [4, 8])
def test_engines_are_the_memories_and_the_stream_of_the_eie_engine(rng, pe, index_bits):
    net = network(rng)
    spec = fitted_spec(net, pe=pe, lanes=2, index_bits=index_bits, huffman=True)
    host, layers = host_of(spec), parts_of(net).layers
    matrices = [layer.weights for layer in layers]

    def sums(huffman):
        account = Engine(pe=pe, lanes=2, index_bits=index_bits, code_bits=spec.code_bits,
                         huffman=huffman, matrices=lambda: matrices)
        parts = [account.parts(values, 0) for values in matrices]
        return {part: sum(each.get(part, 0) for each in parts)
                for part in ("weights", "index", "padding", "pointers", "codebook", "code tables")}

    plain, coded = sums(False), sums(True)
    program, sent = host.program(layers), host.program(layers, huffman=True)
    stored = host.stored_bits(program)
    assert {part: stored[part] for part in plain if part in stored} == {
        part: bits for part, bits in plain.items() if part in stored}
    streamed = payload_bits(program.words, spec, program.steps)
    assert streamed["entries"] == plain["weights"] + plain["index"] + plain["padding"]
    assert streamed["pointers"] == plain["pointers"] == coded["pointers"]
    assert streamed["codebook"] * pe == plain["codebook"] == coded["codebook"] * pe
    streamed = payload_bits(sent.words, spec, sent.steps)
    entries = coded["weights"] + coded["index"] + coded["padding"]
    assert entries == sent.coded_bits == streamed["coded"]
    assert coded["code tables"] == streamed["lengths"] + streamed["symbols"]
    assert entries < plain["weights"] + plain["index"] + plain["padding"]


def test_codes_no_longer_than_the_decoder_knows():
    counts = [1, 1, 2, 3, 5, 8, 13, 21]
    free, limited = code_lengths(counts), code_lengths(counts, 4)
    assert free.max() == 7
    assert limited.max() == 4
    assert (2.0 ** -limited).sum() == 1
    # The best of all lengths that fit into codes of at most 4 bits, by trying.
    best = min(sum(n * c for n, c in zip(lengths, counts, strict=True))
               for lengths in np.stack(np.meshgrid(*[range(1, 5)] * 8), -1).reshape(-1, 8).tolist()
               if sum(16 >> n for n in lengths) <= 16)
    assert int(limited @ counts) == best
    assert code_lengths(counts, 7).tolist() == free.tolist()
    with refused(SpecError, "codes of 2 bits must be as many as the symbols, not 4 for 8"):
        code_lengths(counts, 2)


def test_what_elements_cannot_store_is_refused(rng):
    values = sparse(rng)
    with refused(SpecError, "weights must have at most 4 values for codes of 2 bits, 0 among them"
                            " where there is padding, not 7: share weights with fewer bits, or"
                            " zero = true"):
        Elements(pe=16, index_bits=4, code_bits=2).parts(values, 8)
    with refused(SpecError, "Huffman codes must be of codes and of relative indices: give"
                            " index_bits"):
        Elements(pe=4, huffman=True).parts(values, 8)
