"""Unrolled constant matrices beside da4ml: adders, LUTs and seconds, one matrix and an MLP."""

import time
from multiprocessing import TimeoutError, get_context

import numpy as np

from hwgen.ir import Dense, Edge, Input, MatVec, Network, Requantise
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.planner import plan
from hwgen.plan.stages import MATRIX_CORES, FixedUnrolledStage
from hwgen.plan.stages.adder_rows import constant_product
from hwgen.rtl.pipeline import Pipeline

from ..frame.bench import machine, tools_of
from ..frame.da4ml_peer import ADDERS_PER_REGISTER, TOP, is_there, synthesised
from ..frame.devices import ECP5, Z045, ecp5_target, xilinx_target
from ..frame.row import Row

__all__ = ["KEY", "beside", "design_of", "inputs", "lacking", "measure", "peer_mlp", "peer_rows"]

CORE = "fixed-unrolled"
SIZES = (64, 128, 256)
"""Of the square matrices whose graphs are timed; the first is also synthesised."""

MLP, MLP_BITS, MLP_SHIFT, CLK_HZ = (16, 64, 32, 32, 5), 6, 6, 100_000_000

DEVICES = {ECP5: "LUT4 eq", Z045: "LUT6"}
MOST_SECONDS = {64: 10, 256: 600}
PEER_LIMIT_S = 600
"""Seconds after which da4ml is not waited for any longer."""

KEY = (SIZES, MLP, MLP_BITS, MLP_SHIFT, CLK_HZ, ADDERS_PER_REGISTER, PEER_LIMIT_S)
PUBLISHED = {"matrix": "da4ml 0.6 without -nowidelut: 80,593 LUT4 eq, 32 s",
             "mlp": "da4ml 0.6 without -nowidelut: 56,791 LUT4 eq, 9 s"}


def lacking(bench) -> str | None:
    """The unrolled core."""
    return None if CORE in MATRIX_CORES else f"a core '{CORE}'"


def inputs(bench) -> dict:
    """Whether da4ml runs beside it."""
    return {"da4ml": is_there()}


def measure(bench):
    """One matrix, a network, and seconds against size; da4ml beside each where it is installed."""
    yield from _matrix(bench)
    yield from _mlp(bench)
    yield from _seconds(bench)


def matrix(size: int) -> np.ndarray:
    """8-bit weights, int64 ``(size, size)``, seed 0."""
    return np.random.default_rng(0).integers(-128, 128, (size, size))


def stage_of(weights: np.ndarray) -> FixedUnrolledStage:
    """The core for signed 8-bit inputs, with as many adders between registers as the peer's."""
    mat_vec = MatVec("fc", ("x",), Dense(weights, Fixed(8)))
    edge = Edge((weights.shape[1],), Fixed(8), -128, 127)
    return FixedUnrolledStage(mat_vec, edge, None, len(weights), ADDERS_PER_REGISTER)


def mlp() -> Network:
    """The jet tagger's sizes: 6-bit weights and activations, seed 0, ReLU, shift and clip."""
    rng = np.random.default_rng(0)
    low = -(1 << MLP_BITS - 1)
    nodes = [Input("x", (), (MLP[0],), Fixed(MLP_BITS))]
    for k, (n_in, n_out) in enumerate(zip(MLP, MLP[1:], strict=False), 1):
        weights = rng.integers(low, -low, (n_out, n_in))
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), Dense(weights, Fixed(MLP_BITS))))
        if k < len(MLP) - 1:
            nodes.append(Requantise(f"act{k}", (f"fc{k}",), np.ones(1, np.int64), MLP_SHIFT,
                                    "floor", Fixed(MLP_BITS - 1, 0, False)))
    return Network("jet-mlp", tuple(nodes), (nodes[-1].name,))


def design_of(network: Network, target):
    """A vector a cycle: every layer unrolled."""
    own = {"core": CORE, "levels_per_register": ADDERS_PER_REGISTER}
    cores = {node.name: own for node in network.nodes if isinstance(node, MatVec)}
    return plan(network, target, interval_cycles=1, clk_hz=CLK_HZ, cores=cores)


# -- rows ----------------------------------------------------------------------------------------


def _matrix(bench):
    work = {"work": f"{SIZES[0]}x{SIZES[0]}, 8-bit weights and inputs, constant", "seed": 0}
    begin = time.monotonic()
    stage = stage_of(matrix(SIZES[0]))
    adders = stage.graph.adders
    seconds = time.monotonic() - begin
    peer = _peer(bench, "matrix", lambda: _peer_matrix(matrix(SIZES[0])))
    yield Row(**work, metric="graph", value=round(seconds, 1), unit="s", must="<= 10",
              device=machine(), published=PUBLISHED["matrix"])
    yield from beside(work, "adders", adders, peer, 0.90)
    yield Row(**work, metric="latency", value=stage.latency_cycles, unit="cycles")
    yield from _cells(bench, work, "matrix", dict.fromkeys(DEVICES, stage), peer, 0.90)
    yield from peer_rows("the same matrix through da4ml", peer)


def _mlp(bench):
    work = {"work": "MLP " + "-".join(map(str, MLP)) + f", {MLP_BITS} bits, unrolled", "seed": 0}
    network = mlp()
    designs = {ECP5: design_of(network, ecp5_target(CLK_HZ)),
               Z045: design_of(network, xilinx_target(Z045, CLK_HZ))}
    first = designs[ECP5]
    peer = peer_mlp(bench, "mlp", network)
    yield Row(**work, metric="interval", value=first.interval_cycles, unit="cycles", must="== 1")
    yield Row(**work, metric="latency", value=first.latency_cycles, unit="cycles")
    yield from beside(work, "adders", sum(stage.graph.adders for stage in first.stages), peer,
                       0.85)
    parts = {device: Pipeline(design) for device, design in designs.items()}
    yield from _cells(bench, work, "mlp", parts, peer, 0.85)
    yield from peer_rows("the same MLP through da4ml", peer)


def _seconds(bench):
    """Seconds of the graph alone, and adders, against size; da4ml's beside them."""
    for size in SIZES:
        bench.tell(None, f"graph of {size}x{size}")
        begin = time.monotonic()
        graph = constant_product(matrix(size), -128, 127)
        seconds, most = time.monotonic() - begin, MOST_SECONDS.get(size)
        work = {"work": f"{size}x{size}, 8-bit weights and inputs, constant", "seed": 0}
        yield Row(**work, metric="graph alone", value=round(seconds, 1), unit="s",
                  device=machine(), must=most and f"<= {most}")
        yield Row(**work, metric="adders of the graph alone", value=graph.adders)
        if is_there():
            bench.tell(None, f"da4ml: graph of {size}x{size}")
            yield from _peer_seconds(work, size, PEER_LIMIT_S)


def _peer_seconds(work, size, limit_s):
    """The same of da4ml, in a process that ends when the limit does."""
    common = {**work, "device": machine(), "tools": "da4ml"}
    with get_context("spawn").Pool(1) as pool:
        try:
            seconds, adders = pool.apply_async(peer_graph, (size,)).get(limit_s)
        except TimeoutError:
            yield Row(**common, metric="graph of da4ml, not ended after", value=limit_s, unit="s")
            return
    yield Row(**common, metric="graph of da4ml", value=round(seconds, 1), unit="s")
    yield Row(**common, metric="adders of da4ml", value=adders)


def peer_graph(size: int) -> tuple[float, int]:
    """Seconds that da4ml takes for the adders of :func:`matrix`, and how many these are."""
    from da4ml.trace import comb_trace

    begin = time.monotonic()
    logic = comb_trace(*_peer_matrix(matrix(size)))
    return time.monotonic() - begin, _adders_of(logic)


def _adders_of(logic) -> int:
    return sum(op.opcode in (0, 1) for op in logic.ops)


def _cells(bench, work, name, parts, peer, stretch):
    for device, metric in DEVICES.items():
        report = bench.synthesise(parts[device], name, device)
        common = {**work, "device": str(device), "tools": tools_of(report)}
        yield from beside(common, metric, report.lut_eq, peer, stretch)
        yield from beside(common, f"FF beside {metric}", report.ff, {}, stretch)


def beside(work, metric, value, peer, stretch):
    """A row that is held against the peer's, and against ``stretch`` of it."""
    most = peer.get(metric)
    yield Row(**work, metric=metric, value=value, must=most and f"<= {most}",
              stretch=most and f"<= {int(stretch * most)}")


def peer_rows(work, peer):
    """What the peer takes, a row each."""
    for metric, value in peer.items():
        yield Row(work=work, seed=0, device=machine(), metric=metric, value=value, tools="da4ml")


# -- da4ml ---------------------------------------------------------------------------------------


def peer_mlp(bench, name, network, devices=tuple(DEVICES)) -> dict:
    """What da4ml makes of a network of matrices, ReLU, shifts and clips; see :func:`_peer`."""
    return _peer(bench, name, lambda: _peer_mlp(network), devices)


def _peer(bench, name, trace, devices=tuple(DEVICES)) -> dict:
    """What da4ml makes of it: seconds, stages, adders, LUTs of each kind; empty without it."""
    if not is_there():
        bench.tell(None, "da4ml is not installed: its published numbers stand for it")
        return {}
    from da4ml.codegen import VerilogModel
    from da4ml.trace import comb_trace, to_pipeline

    folder = bench.folder / bench.part / f"da4ml-{name}"
    bench.tell(None, f"da4ml: {name}")
    begin = time.monotonic()
    logic = comb_trace(*trace())
    pipeline = to_pipeline(logic, ADDERS_PER_REGISTER, verbose=False)
    VerilogModel(pipeline, TOP, folder, print_latency=False).write()
    found = {"generation, s": round(time.monotonic() - begin, 1),
             "latency, cycles": len(pipeline.solutions),
             "adders": _adders_of(logic)}
    for device in devices:
        metric = DEVICES[device]
        report = synthesised(folder, device, folder.with_name(f"{folder.name}-{device.family}"),
                             lambda seen: bench.tell(None, f"da4ml: {seen.step}, {seen.message}"))
        found[metric] = report.lut_eq
        found[f"FF beside {metric}"] = report.ff
    return found


def _peer_inputs(count, fmt):
    from da4ml.trace import FixedVariableArray, HWConfig

    return FixedVariableArray.from_kif(
        np.ones(count, int), np.full(count, fmt.bits - 1), np.zeros(count, int),
        hwconf=HWConfig(1, -1, -1))


def _peer_matrix(weights):
    x = _peer_inputs(weights.shape[1], Fixed(8))
    return x, x @ weights.T.astype(np.float64)


def _peer_mlp(network):
    """Values of all layers as integers; a requantise as a shift is one of the binary point."""
    from da4ml.trace import FixedVariableArray, HWConfig
    from da4ml.trace.ops import quantize, relu

    fmt, count = network.input.format, network.input.shape[0]
    x = values = FixedVariableArray.from_kif(
        np.full(count, int(fmt.is_signed)), np.full(count, fmt.bits - fmt.is_signed),
        np.zeros(count, int), hwconf=HWConfig(1, -1, -1))
    for node in network.nodes[1:]:
        if isinstance(node, MatVec):
            values = (values @ node.weights.to_dense().T.astype(np.float64)
                      + node.bias_or_zero.astype(np.float64))
        else:
            _require_plain(node)
            shift, mode = int(node.shift), {"floor": "TRN", "half_up": "RND"}[node.rounding]
            # Its integer bits are those of the clipped sum, its steps 2**shift.
            values = quantize(relu(values), 0, node.format.bits + shift, -shift, "SAT", mode)
            values = values * 2.0 ** -shift
    return x, values


def _require_plain(node):
    plain = isinstance(node, Requantise) and (node.multiplier == 1).all() and np.ndim(
        node.shift) == 0 and node.zero_point == 0 and not node.format.is_signed
    if not plain:
        raise SpecError(f"node '{node.name}' must be a shift and a clip to 0 and above, to be put"
                        f" to da4ml")
