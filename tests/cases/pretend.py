"""A device that is none: finds on a CPU what would fail where tensors meet from two devices."""

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

__all__ = ["Pretended"]

CUDA = torch.device("cuda", 0)
MIXING = ("copy_", "__setitem__", "__set__", "_has_compatible_shallow_copy_type")
MOVES = (torch.Tensor.to, torch.Tensor.cpu)
OF_CPU = (torch.Tensor.numpy, torch.Tensor.__array__)


class Pretended(TorchFunctionMode):
    """Within, ``"cuda"`` is a device of which tensors are known by their memory, here the CPU's.

    As there, an operation of tensors of both devices raises RuntimeError, unless those of the CPU
    have no axes, or index one of the other; and so does ``numpy()`` of what is not on the CPU.
    """

    def __init__(self):
        super().__init__()
        self.there = {}         # memory -> a tensor that keeps it from being used again

    def is_there(self, tensor) -> bool:
        """Whether a tensor is on the pretended device."""
        with torch._C.DisableTorchFunction():
            return tensor.untyped_storage().data_ptr() in self.there and tensor.numel() > 0

    def put(self, found, there: bool):
        """The tensors of ``found``, on the pretended device if ``there``."""
        with torch._C.DisableTorchFunction():
            for tensor in tree_leaves(found):
                if there and isinstance(tensor, torch.Tensor):
                    self.there[tensor.untyped_storage().data_ptr()] = tensor.detach()
        return found

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", str(func))
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        are = [self.is_there(tensor) for tensor in tensors]
        if func == torch.Tensor.device.__get__:
            return CUDA if are[0] else torch.device("cpu")
        if func == torch.Tensor.is_cuda.__get__:
            return are[0]
        if func in OF_CPU and are[0]:
            raise RuntimeError(f"{name} of a tensor of {CUDA}")
        if func in MOVES:
            return self.moved(func, args, kwargs)
        return self.called(func, name, args, kwargs, tensors, are)

    def called(self, func, name, args, kwargs, tensors, are):
        """The result of an operation, on the device of what it is given, or is told."""
        device = kwargs.pop("device", None)
        there = any(are) if device is None else torch.device(device).type == "cuda"
        if device is not None and there and kwargs.get("generator") is not None:
            raise RuntimeError(f"{name} on {CUDA} with a generator of the CPU")
        if name == "__getitem__" and are and are[0]:
            tensors, are = tensors[:1], are[:1]
        if any(are) and name not in MIXING and any(
                not is_there and tensor.dim() for tensor, is_there in
                zip(tensors, are, strict=True) if tensor.numel()):
            raise RuntimeError(f"{name} of tensors of {CUDA} and of the CPU")
        result = func(*args, **kwargs)
        return result if name in MIXING else self.put(result, there)

    def moved(self, func, args, kwargs):
        """A copy where it was asked for, of the dtype that was."""
        tensor, dtype = args[0], None
        here = there = self.is_there(tensor)
        there = there and func is not torch.Tensor.cpu
        for value in (*args[1:], *kwargs.values()):
            if isinstance(value, torch.Tensor):
                there, dtype = self.is_there(value), value.dtype
            elif isinstance(value, str | torch.device):
                there = torch.device(value).type == "cuda"
            elif isinstance(value, torch.dtype):
                dtype = value
        result = tensor if dtype is None else tensor.to(dtype)
        return self.put(result.clone() if there != here else result, there)
