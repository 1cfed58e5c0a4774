"""A sparse engine in the simulator."""

from sim.engine_streams import Run, beats_of, run_in_turn

from hwgen.rtl.spmv import SpmvEngine

__all__ = ["STREAMS", "run_engine", "sending"]

STREAMS = ("s_axis_matrix", "s_axis", "m_axis")


def sending(spec, jobs, **options) -> Run:
    """The frames of ``jobs``, one after another; options of :func:`run_streams`."""
    matrix = [beat for job in jobs for beat in beats_of(job.matrix, spec.matrix_bytes)]
    vectors = [beat for job in jobs for beat in beats_of(job.x, spec.x_bytes)]
    results = sum(job.result_bytes for job in jobs) // spec.result_bytes
    return Run({"s_axis_matrix": matrix, "s_axis": vectors}, results, **options)


def run_engine(spec, *runs) -> list:
    """A record of each run, in one simulation with resets between them."""
    return run_in_turn(SpmvEngine(spec), runs)
