"""The host of an EIE engine: layers as the stream that loads them, vectors as frames."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwgen.host.eie_columns import shares_of
from hwgen.host.eie_layer import SparseLayer
from hwgen.host.eie_read import read_layers
from hwgen.host.eie_words import Words
from hwgen.host.engine_bytes import element_bytes, pack_elements, unpack_elements
from hwgen.numeric import Fixed, SpecError, as_int64, format_from_dict

__all__ = ["EieHost", "EieProgram", "Exchange"]

Exchange = Callable[[bytes, list[bytes]], tuple[list[bytes], bool]]
"""Sends a frame of weights and those of vectors; the frames of results, and whether an error was
told."""


@dataclass(frozen=True, eq=False)
class EieProgram:
    """Layers as an engine takes them.

    Members
    -------
    words : bytes                   one frame of the stream of weights
    steps : tuple of int            of each block the cycles that its numbers take to load
    layers : tuple of SparseLayer
    shares : tuple of tuple of Share    of each layer, of each element
    coded_bits : int or None        of all entries as Huffman codes, without their tables
    """

    words: bytes
    steps: tuple
    layers: tuple
    shares: tuple
    coded_bits: int | None

    @property
    def counts(self) -> list[np.ndarray]:
        """Entries of each element in each column, int64 ``(pe, n_in)`` of each layer."""
        return [np.array([share.counts for share in layer]) for layer in self.shares]

    @property
    def entries(self) -> int:
        """Entries of all elements, padding included."""
        return sum(len(share.codes) for layer in self.shares for share in layer)

    @property
    def padding(self) -> int:
        """Those of them that only stand for zeros."""
        return sum(share.padding for layer in self.shares for share in layer)


@dataclass(frozen=True)
class EieHost:
    """Puts the layers of a network into the memories of an engine, and vectors through it.

    Parameters
    ----------
    sizes : Mapping            the numbers of the entry ``engine`` of an engine's manifest
    x, weights, accumulator : Fixed
    """

    sizes: Mapping
    x: Fixed
    weights: Fixed
    accumulator: Fixed

    @classmethod
    def from_manifest(cls, entry: Mapping) -> "EieHost":
        """From the entry ``engine`` of an engine's manifest.

        Raises
        ------
        SpecError    If it lacks something, or is of another kind of engine.
        """
        if entry.get("engine") != "eie":
            raise SpecError(f"engine must be 'eie', not {entry.get('engine')!r}")
        names = ("pe", "lanes", "code_bits", "index_bits", "layers", "vector", "rows", "biases",
                 "columns", "entries", "huffman", "delta")
        try:
            sizes = {what: entry[what] for what in names}
            formats = {what: format_from_dict(entry[what])
                       for what in ("x", "weights", "accumulator")}
        except KeyError as error:
            raise SpecError(f"engine 'eie': must have the entry {error.args[0]!r}") from error
        return cls(sizes=sizes, **formats)

    # -- weights ---------------------------------------------------------------------------------

    def program(self, layers: Sequence[SparseLayer], *, huffman: bool = False) -> EieProgram:
        """The frame that loads ``layers``, one behind the other; with entries as Huffman codes.

        Raises
        ------
        SpecError    If a layer, or all of them, have no place in the engine, or a result could
                     leave its format; with the layer's name.
        """
        self._require(layers)
        if huffman and not self.sizes["huffman"]:
            raise SpecError("engine 'eie': entries must be plain, as it decodes no Huffman codes")
        shares = tuple(tuple(shares_of(layer, **{what: self.sizes[what] for what in (
            "pe", "code_bits", "index_bits")})) for layer in layers)
        self._require_entries(layers, shares)
        words = Words(self.sizes, self.weights, self.accumulator)
        words.parameters(self._parameters(layers))
        for number, layer in enumerate(shares):
            words.codebook(number, layer[0].codebook)
        words.biases([self._biases(layer) for layer in layers])
        words.pointers(shares)
        coded = words.coded(shares) if huffman else words.entries(shares)
        return EieProgram(words.frame(), tuple(words.steps), tuple(layers), shares, coded)

    def stored_bits(self, program: EieProgram) -> dict[str, int]:
        """Bits that the layers take up in the engine's memories, by purpose.

        Parts are those of the compression's account (:mod:`hwgen.compress.frame.account`): entries
        that are weights, their indices, padding whole; every element has its codebook.
        """
        sizes, lanes = self.sizes, self.sizes["lanes"]
        weights = program.entries - program.padding
        columns = sum(self._beats(layer.n_in) * lanes + 1 for layer in program.layers)
        return {
            "weights": weights * sizes["code_bits"], "index": weights * sizes["index_bits"],
            "padding": program.padding * (sizes["code_bits"] + sizes["index_bits"]),
            "pointers": columns * sizes["pe"] * sizes["entries"].bit_length(),
            "codebook": sizes["pe"] * self.weights.bits * sum(
                len(layer[0].codebook) for layer in program.shares),
            "bias": self.accumulator.bits * lanes * sum(
                self._beats(layer.n_out) for layer in program.layers)}

    def _beats(self, elements: int) -> int:
        return -(-elements // self.sizes["lanes"])

    def _parameters(self, layers) -> dict[str, list[int]]:
        """The numbers of each parameter, one for each layer."""
        rows = [-(-layer.n_out // self.sizes["pe"]) for layer in layers]
        beats = [self._beats(layer.n_in) for layer in layers]
        outs = [self._beats(layer.n_out) for layer in layers]
        columns = [count * self.sizes["lanes"] + 1 for count in beats]
        parameters = {
            "in_beats": [count - 1 for count in beats], "out_beats": [out - 1 for out in outs],
            "rows": [row - 1 for row in rows], "column": _begins(columns), "bias": _begins(outs),
            "shift": [layer.shift for layer in layers], "low": [layer.low for layer in layers],
            "high": [layer.high for layer in layers],
            "last": [int(layer is layers[-1]) for layer in layers]}
        if self.sizes["delta"]:
            parameters |= {"accumulator": _begins(rows), "reference": _begins(beats),
                           "threshold": [layer.threshold for layer in layers]}
        return parameters

    def _biases(self, layer) -> np.ndarray:
        """int64 ``(beats, lanes)``."""
        lanes = self.sizes["lanes"]
        return np.pad(layer.bias, (0, -layer.n_out % lanes)).reshape(-1, lanes)

    def _require(self, layers):
        """That layers follow one another, and that each has a place in the engine."""
        sizes, most = self.sizes, self.sizes["layers"]
        if not 1 <= len(layers) <= most:
            raise SpecError(f"engine 'eie': layers must be 1..{most}, not {len(layers)}")
        least, largest = self.x.min, self.x.max
        for layer, after in zip(layers, [*layers[1:], None], strict=True):
            self._require_layer(layer, after is None)
            if after is not None and after.n_in != layer.n_out:
                raise SpecError(f"layer '{after.name}': must have {layer.n_out} inputs, which"
                                f" '{layer.name}' sends, not {after.n_in}")
            low, high = layer.ends(least, largest)
            if low < self.accumulator.min or high > self.accumulator.max:
                raise SpecError(f"layer '{layer.name}': sums must fit {self.accumulator}, not run"
                                f" from {low} to {high}")
            least, largest = layer.low, layer.high
        parts = {"columns": sum(self._beats(layer.n_in) * sizes["lanes"] + 1 for layer in layers),
                 "biases": sum(self._beats(layer.n_out) for layer in layers)}
        if sizes["delta"]:
            parts["rows"] = sum(-(-layer.n_out // sizes["pe"]) for layer in layers)
        for what, found in parts.items():
            if found > sizes[what]:
                raise SpecError(f"engine 'eie': {what} of all layers must be at most"
                                f" {sizes[what]}, not {found}")

    def _require_layer(self, layer, is_last):
        sizes = self.sizes
        found = {"vector": max(layer.n_in, layer.n_out),
                 "rows": -(-layer.n_out // sizes["pe"])}
        for what, value in found.items():
            if value > sizes[what]:
                raise SpecError(f"layer '{layer.name}': {what} must be at most {sizes[what]}, not"
                                f" {value}")
        if layer.threshold and not sizes["delta"]:
            raise SpecError(f"layer '{layer.name}': threshold must be 0, as the engine sends all,"
                            f" not {layer.threshold}")
        most = self.x.max - self.x.min
        if layer.threshold > most:
            raise SpecError(f"layer '{layer.name}': threshold must be at most {most}, by which"
                            f" activations can move, not {layer.threshold}")
        fmt = self.accumulator if is_last else self.x
        for what, values, within in (
                ("weights", layer.weights, self.weights), ("biases", layer.bias, self.accumulator),
                ("low and high", np.array([layer.low, layer.high]), fmt),
                ("shift", np.array([layer.shift]), Fixed(5, signed=False))):
            low, high = int(values.min()), int(values.max())
            if low < within.min or high > within.max:
                raise SpecError(f"layer '{layer.name}': {what} must be in {within.min}.."
                                f"{within.max}, not in {low}..{high}")
        if layer.shift >= self.accumulator.bits:
            raise SpecError(f"layer '{layer.name}': shift must be below {self.accumulator.bits},"
                            f" not {layer.shift}")

    def _require_entries(self, layers, shares):
        most = self.sizes["entries"]
        for k in range(self.sizes["pe"]):
            count = sum(len(layer[k].codes) for layer in shares)
            if count > most:
                raise SpecError(f"engine 'eie': entries of element {k} must be at most {most}, not"
                                f" {count}: {[len(layer[k].codes) for layer in shares]} of"
                                f" {[layer.name for layer in layers]}")

    # -- vectors ---------------------------------------------------------------------------------

    def frames(self, x) -> list[bytes]:
        """A frame for each of the integer vectors ``x`` ``(n, n_in)``, filled up with zeros."""
        x = as_int64(x, "x")
        if x.ndim != 2 or not x.size:
            raise SpecError(f"x must be of shape (n, n_in), not {x.shape}")
        low, high = int(x.min()), int(x.max())
        if low < self.x.min or high > self.x.max:
            raise SpecError(f"x must be in {self.x.min}..{self.x.max}, not in {low}..{high}")
        padded = np.pad(x, ((0, 0), (0, -x.shape[1] % self.sizes["lanes"])))
        return [pack_elements(vector, self.x) for vector in padded]

    def results(self, frames: Sequence[bytes], n_out: int) -> np.ndarray:
        """int64 ``(n, n_out)`` of so many frames of results.

        Raises
        ------
        SpecError    If one is not as long as that of ``n_out`` results.
        """
        wanted = self._beats(n_out) * self.sizes["lanes"] * element_bytes(self.accumulator)
        for number, frame in enumerate(frames):
            if len(frame) != wanted:
                raise SpecError(f"frame {number} of results must be {wanted} bytes, not"
                                f" {len(frame)}")
        values = unpack_elements(b"".join(frames), self.accumulator)
        return values.reshape(len(frames), -1)[:, :n_out]

    def read(self, words: bytes) -> list[SparseLayer]:
        """The layers of a frame of weights, by number; see :func:`read_layers`.

        Raises
        ------
        SpecError    If it is damaged or inconsistent, so that the engine would tell an error, or
                     multiply what nobody meant; with the word, or the layer, parameter and unit, or
                     the element, layer and column.
        """
        return read_layers(words, self.sizes, self.x, self.weights, self.accumulator)

    def run(self, weights: bytes, x, n_out: int, exchange: Exchange) -> np.ndarray:
        """Results int64 ``(n, n_out)`` of the layers of a frame of weights, by an engine.

        Parameters
        ----------
        weights : bytes            :attr:`EieProgram.words`, or what was kept of it
        x : integers (n, n_in)
        n_out : int                results of the last layer
        exchange : callable(bytes, list of bytes) -> (list of bytes, bool)
            What is behind the engine's streams: takes the frame of weights and those of vectors,
            gives the frames of results, and whether ``weights_error`` or ``frame_error`` was seen.

        Raises
        ------
        SpecError       If weights are damaged or inconsistent, before anything is sent; if vectors
                        do not fit.
        RuntimeError    If the engine told an error: results are undefined then.
        """
        layers, frames = self.read(weights), self.frames(x)
        for what, found, most in (("x", np.shape(x)[1], layers[0].n_in),
                                  ("results", n_out, layers[-1].n_out)):
            if self._beats(found) * self.sizes["lanes"] != most:
                raise SpecError(f"{what} must be {most} elements, less at most"
                                f" {self.sizes['lanes'] - 1}, not {found}")
        results, error = exchange(weights, frames)
        if error:
            raise RuntimeError("the engine told an error: weights or vectors came damaged; load"
                               " the weights again")
        return self.results(results, n_out)


def _begins(sizes: list[int]) -> list[int]:
    """Where each part begins of parts of ``sizes`` that lie one behind the other."""
    return (np.cumsum(sizes) - sizes).tolist()


