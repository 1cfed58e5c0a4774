"""PyTorch network to verified gates with nothing but open tools.

The API in seven names, each loaded when it is first used, so that ``import hwgen`` stays cheap and
loads neither torch nor amaranth:

========== ================================================================================
`compress` make a plain torch module small by a recipe, to a `Network` and its exact size
`load`     read a :class:`~hwgen.ir.Network` file
`export`   turn a trained torch module into a `Network`
`run`      evaluate a `Network` exactly, in numpy
`plan`     choose the hardware for each node of a `Network`, for one board
`build`    write the Verilog, the vectors, the bench and the manifest of a design
`profile`  how the numbers of a `Network` lie in their formats, and their error against float
========== ================================================================================

`compress` and `plan` are also the packages ``hwgen.compress`` and ``hwgen.plan``: each one object,
a module that can be called (docs/decisions/0021-compress-is-a-verb-too.md).
"""

import sys
from importlib import import_module
from types import ModuleType

__all__ = ["__version__", "build", "compress", "export", "load", "plan", "profile", "run"]

__version__ = "0.1.0"

_API = "hwgen.flow.api"


def __getattr__(name):
    if name in _CALLABLE:
        return import_module(f"hwgen.{name}")
    if name == "profile":
        return import_module("hwgen.report.profile").profile
    if name in __all__:
        return getattr(import_module(_API), name)
    raise AttributeError(f"module 'hwgen' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})


class _CallablePlan(ModuleType):
    """The package ``hwgen.plan``, callable as the function of the same name."""

    def __call__(self, network, *, target="ulx3s-85f", interval_cycles=None, clk_hz=None,
                 cores=None, weights=None, balance=True):
        """Choose the hardware for each node; see ``hwgen.flow.api.plan``.

        ``cores={"fc1": {"pe": 8, "simd": 16}}`` sets a node's folding by hand;
        ``weights="ram"`` lets weights be loaded while the hardware runs; ``balance=False`` keeps
        the rows of sparse layers in their order.
        """
        return import_module(_API).plan(network, target=target, interval_cycles=interval_cycles,
                                        clk_hz=clk_hz, cores=cores, weights=weights,
                                        balance=balance)


class _CallableCompress(ModuleType):
    """The package ``hwgen.compress``, callable as the function of the same name."""

    def __call__(self, model, recipe, data, *, folder=None, progress=None, device=None,
                 fresh=False):
        """Compress a torch module by a recipe; see ``hwgen.compress.compress``."""
        return self.compress(model, recipe, data, folder=folder, progress=progress, device=device,
                             fresh=fresh)


_CALLABLE = {"compress": _CallableCompress, "plan": _CallablePlan}


class _Hwgen(ModuleType):
    """The package itself; it notices when the import system attaches a callable one to it."""

    def __setattr__(self, name, value):
        if name in _CALLABLE and isinstance(value, ModuleType):
            value.__class__ = _CALLABLE[name]
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Hwgen
