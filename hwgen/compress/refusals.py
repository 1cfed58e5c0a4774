"""Why a torch layer has no exact export, and what to do about it."""

from torch import nn

__all__ = ["refusal"]

_HINTS = (
    (nn.Linear, "its weights are floats",
     "convert the network with hwgen.compress.quantise and train it, or use BinaryLinear"),
    (nn.ReLU, "its output is an unbounded float",
     "convert the network with hwgen.compress.quantise, or use QuantReLU(bits=...)"),
    (nn.BatchNorm1d, "the rounding of its kernel is not defined",
     "use hwgen.compress.BatchNorm (same parameters) before Sign, or fold it with"
     " hwgen.compress.fold_batch_norm"),
    ((nn.Softmax, nn.LogSoftmax), "exp is not exact",
     "leave it out: the class is the argmax of the scores, which export appends"),
    (nn.Sigmoid, "its output is an unquantised float",
     "use QuantSigmoid, a table or straight lines, and train again"),
    (nn.Tanh, "its output is an unquantised float",
     "use QuantTanh, a table or straight lines, and train again"),
    (nn.LeakyReLU, "its output is an unquantised float",
     "use QuantActivation(bits, slope_shift=...), whose slope is a power of two, and train again"),
    ((nn.Hardtanh, nn.ReLU6), "its output is an unquantised float",
     "use QuantActivation(bits, low=..., high=...) and train again"),
    ((nn.GELU, nn.SiLU, nn.ELU), "its output is an unquantised float",
     "use QuantReLU(bits=...) or Sign and train again"),
    (nn.Conv2d, "its weights are floats",
     "convert the network with hwgen.compress.quantise and train it, or use BinaryConv2d,"
     " IntegerConv2d or QuantConv2d"),
    (nn.BatchNorm2d, "the rounding of its kernel is not defined",
     "use hwgen.compress.BatchNorm2d (same parameters) before Sign, or fold it with"
     " hwgen.compress.quantise"),
    (nn.Flatten, "its elements are channels first, those of the hardware channels last",
     "use hwgen.compress.Flatten"),
    (nn.Conv1d, "there is no exact form of it here",
     "use BinaryConv2d or QuantConv2d on a map of one row"),
    (nn.AvgPool2d, "its quotients are floats",
     "use QuantAvgPool2d(size, bits=...), which rounds them once"),
    (nn.AdaptiveAvgPool2d, "its quotients are floats",
     "use QuantAvgPool2d(None, bits=...) for one value of the whole map, or a size"),
    ((nn.AdaptiveMaxPool2d, nn.FractionalMaxPool2d, nn.LPPool2d),
     "its windows, or what it makes of them, have no hardware", "use nn.MaxPool2d"),
    (nn.ConvTranspose2d, "it has no hardware", "use QuantConv2d on a larger map"),
)


def _groups(layer) -> tuple[str, str] | None:
    """Of a convolution whose channels are in groups: the reason and what to do."""
    if not isinstance(layer, nn.Conv2d) or layer.groups == 1:
        return None
    if layer.groups == layer.in_channels:
        return ("its weights are floats", "convert the network with hwgen.compress.quantise and"
                " train it, or use QuantDepthwiseConv2d")
    return (f"its {layer.groups} groups of {layer.in_channels} channels have no hardware",
            "use QuantDepthwiseConv2d, with a group for each channel, or QuantConv2d, with one")


_INSTEAD = {
    **dict.fromkeys(("relu", "relu_"), "hwgen.compress.QuantReLU(bits=...)"),
    "sigmoid": "hwgen.compress.QuantSigmoid", "tanh": "hwgen.compress.QuantTanh",
    **dict.fromkeys(("linear", "matmul"), "hwgen.compress.QuantLinear or BinaryLinear"),
    "conv2d": "hwgen.compress.QuantConv2d or BinaryConv2d",
    "max_pool2d": "torch.nn.MaxPool2d",
    **dict.fromkeys(("avg_pool2d", "adaptive_avg_pool2d", "mean"), "hwgen.compress.QuantAvgPool2d"),
    **dict.fromkeys(("flatten", "view", "reshape"), "hwgen.compress.Flatten"),
}
"""Layers in the place of bare operations, by the operation's name."""


def refusal(path: str, layer, place: str = "") -> str:
    """One sentence: path, ``place`` in the user's code, type, reason, what to do."""
    if layer is None:
        return f"operation '{path}'{place}: {_of_operation(path)}"
    kind = f"{type(layer).__module__.split('.')[0]}.{type(layer).__name__}"
    for types, *usual in _HINTS:
        if isinstance(layer, types):
            reason, hint = _groups(layer) or usual
            return f"module '{path}'{place}: must be exact, not {kind}: {reason}; {hint}"
    return (f"module '{path}'{place}: must be exact, not {kind}: it is no layer of hwgen.compress;"
            f" build the network of QuantLinear, QuantReLU, BinaryLinear, BatchNorm and Sign")


def _of_operation(name: str) -> str:
    if name in ("add", "add_", "iadd"):
        return ("must add two results of layers, not a constant or with alpha: put a constant into"
                " a bias, and a factor into an activation")
    if name in ("softmax", "log_softmax"):
        return ("must be left out: exp is not exact, and the class is the argmax of the scores,"
                " which export appends")
    instead = _INSTEAD.get(name, "the layers of hwgen.compress, or leave it out")
    return (f"must be a layer, not a bare operation of forward, which has no exact form here; use"
            f" {instead}")
