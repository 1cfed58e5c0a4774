"""A systolic engine in the simulator: frames in on two streams, frames out on one."""

from sim.engine_streams import Record, beats_of, run_streams

from hwgen.rtl.systolic import SystolicEngine

__all__ = ["Record", "run_engine"]

STREAMS = {"weights": "s_axis_weights", "x": "s_axis", "results": "m_axis"}


def run_engine(spec, jobs, *, stalls=(), **options):
    """Send the frames of ``jobs``: see :func:`run_streams`; ``stalls`` names of ``STREAMS``."""
    weights = [beat for job in jobs for beat in beats_of(job.weights, spec.weight_bytes)]
    vectors = [beat for job in jobs for beat in beats_of(job.x, spec.x_bytes)]
    results = sum(job.result_bytes for job in jobs) // spec.result_bytes
    return run_streams(SystolicEngine(spec), {"s_axis_weights": weights, "s_axis": vectors},
                       results, stalls=[STREAMS[name] for name in stalls], **options)
