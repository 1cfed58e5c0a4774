"""PyTorch network to verified gates with nothing but open tools.

The API in five names, each loaded when it is first used, so that ``import hwgen`` stays cheap and
loads neither torch nor amaranth:

========= =================================================================================
`load`    read a :class:`~hwgen.ir.Network` file
`export`  turn a trained torch module into a `Network`
`run`     evaluate a `Network` exactly, in numpy
`plan`    choose the hardware for each node of a `Network`, for one board
`build`   write the Verilog, the vectors, the bench and the manifest of a design
========= =================================================================================

`plan` is also the package ``hwgen.plan``: one object, a module that can be called.
"""

import sys
from importlib import import_module
from types import ModuleType

__all__ = ["__version__", "build", "export", "load", "plan", "run"]

__version__ = "0.1.0"

_API = "hwgen.flow.api"


def __getattr__(name):
    if name == "plan":
        return import_module("hwgen.plan")
    if name in __all__:
        return getattr(import_module(_API), name)
    raise AttributeError(f"module 'hwgen' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})


class _CallablePlan(ModuleType):
    """The package ``hwgen.plan``, callable as the function of the same name."""

    def __call__(self, network, *, target="ulx3s-85f", interval_cycles=None, clk_hz=None,
                 cores=None, weights=None):
        """Choose the hardware for each node; see ``hwgen.flow.api.plan``.

        ``cores={"fc1": {"pe": 8, "simd": 16}}`` sets a node's folding by hand;
        ``weights="ram"`` lets weights be loaded while the hardware runs.
        """
        return import_module(_API).plan(network, target=target, interval_cycles=interval_cycles,
                                        clk_hz=clk_hz, cores=cores, weights=weights)


class _Hwgen(ModuleType):
    """The package itself; it notices when the import system attaches ``hwgen.plan`` to it."""

    def __setattr__(self, name, value):
        if name == "plan" and isinstance(value, ModuleType):
            value.__class__ = _CallablePlan
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Hwgen
