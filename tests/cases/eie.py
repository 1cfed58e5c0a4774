"""EIE engines and layers for them that several tests share."""

import numpy as np

from hwgen.host.eie import EieHost
from hwgen.host.eie_layer import SparseLayer
from hwgen.plan.engines import EieSpec
from hwgen.plan.engines.eie_timing import EieTiming

__all__ = ["host_of", "layers_of", "results_of", "sent_of", "spec_of", "timing_of", "vectors_of"]

VALUES = (-7, -3, -1, 1, 2, 5)


def spec_of(pe, lanes, **more) -> EieSpec:
    """A small engine."""
    sizes = {"vector": 32, "columns": 64, "entries": 128, "rows": 16, "biases": 32, "layers": 4}
    return EieSpec(pe=pe, lanes=lanes, **sizes | more)


def host_of(spec: EieSpec) -> EieHost:
    """Its host, as one reads the manifest."""
    return EieHost.from_manifest(spec.to_dict())


def layers_of(rng, spec, sizes, *, density=0.5, values=VALUES) -> list[SparseLayer]:
    """Layers of vectors of ``sizes``; hidden ones shift, and clip into the engine's activations."""
    layers = []
    for number, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        keep = rng.random((n_out, n_in)) < density
        is_last = number == len(sizes) - 1
        ends = spec.accumulator if is_last else spec.x
        layers.append(SparseLayer(
            f"fc{number}", rng.choice(values, keep.shape) * keep, rng.integers(-40, 40, n_out),
            0 if is_last else 3, ends.min, ends.max))
    return layers


def vectors_of(rng, spec, n, n_in, *, density=0.6) -> np.ndarray:
    """int64 ``(n, n_in)`` of the engine's activations, the first one of the largest alone."""
    x = rng.integers(spec.x.min, spec.x.max, (n, n_in), endpoint=True)
    x *= rng.random(x.shape) < density
    x[0] = spec.x.max
    return x


def results_of(layers, x) -> np.ndarray:
    """What the last layer gives, one number after another in Python's integers."""
    for layer in layers:
        rows = []
        for vector in np.asarray(x).tolist():
            sums = [sum(w * v for w, v in zip(row, vector, strict=True)) + b
                    for row, b in zip(layer.weights.tolist(), layer.bias.tolist(), strict=True)]
            rows.append([min(max(s // 2 ** layer.shift, layer.low), layer.high) for s in sums])
        x = rows
    return np.array(x)


def sent_of(layers, x) -> list[np.ndarray]:
    """Of each layer which of its inputs are not zero."""
    sent = []
    for layer in layers:
        sent.append(np.asarray(x) != 0)
        x = results_of([layer], x)
    return sent


def timing_of(spec, program) -> EieTiming:
    """The cycle model of what was loaded."""
    return EieTiming(spec, [np.array([share.counts for share in layer])
                            for layer in program.shares],
                     [layer.n_out for layer in program.layers])
