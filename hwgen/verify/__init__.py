"""The emitted Verilog in a simulator, every value compared with the golden model's.

===================== =======================================================================
:func:`simulate`      run the bench of an artefact; gives a :class:`SimResult` or raises
:class:`Mismatch`     the first value that differs: node, image, index, expected, found
:class:`VerifyError`  the hardware hangs, or sends frames of a wrong size or number
:class:`MismatchError`  it sends another value
:func:`simulate_engine`  the same of an engine, which multiplies matrices
===================== =======================================================================
"""

from .engine import EngineMismatchError, EngineResult, simulate_engine
from .result import Mismatch, MismatchError, SimResult, VerifyError
from .simulate import BENCHES, MODES, SIMULATORS, STALLS, simulate

__all__ = [
    "BENCHES",
    "MODES",
    "SIMULATORS",
    "STALLS",
    "EngineMismatchError",
    "EngineResult",
    "Mismatch",
    "MismatchError",
    "SimResult",
    "VerifyError",
    "simulate",
    "simulate_engine",
]
