"""Depths of the queues between stages that do not work in step."""

from collections.abc import Sequence
from dataclasses import replace

from .stages import PoolStage, Stage, ThresholdStage, WideWindowStage, WindowStage

__all__ = ["queued"]


def queued(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages, with a queue behind each unit that sends in bursts to one that works steadily.

    So the interval of the two is that of the slower one: windows in front of a core that needs
    several cycles for each, and lines of maxima in front of windows, thresholds between or not.
    """
    return tuple(_queued(stage, follower)
                 for stage, follower in zip(stages, (*stages[1:], None), strict=False))


def _queued(stage: Stage, follower: Stage | None) -> Stage:
    if isinstance(stage, WideWindowStage) and follower is not None:
        cycles = max(1, follower.interval_cycles // len(stage.emitting))
        return replace(stage, queue=stage.queue_for(cycles))
    if isinstance(stage, PoolStage) and isinstance(follower, WindowStage | ThresholdStage):
        return replace(stage, queue=stage.queue_for())
    return stage
