"""Depths of the queues between stages that do not work in step."""

from collections.abc import Sequence
from dataclasses import replace

from .stages import PoolStage, Stage, ThresholdStage, WideWindowStage, WindowStage

__all__ = ["queued"]


def queued(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages, with a queue behind each unit that sends in bursts to one that works steadily.

    So the interval of the two is that of the slower one: windows in front of a core that needs
    several cycles for each, and lines of maxima in front of windows.
    """
    return tuple(_queued(stage, stages[k + 1:]) for k, stage in enumerate(stages))


def _queued(stage: Stage, followers: Sequence[Stage]) -> Stage:
    if isinstance(stage, WideWindowStage) and followers:
        cycles = max(1, followers[0].interval_cycles // len(stage.emitting))
        return replace(stage, queue=stage.queue_for(cycles))
    if isinstance(stage, PoolStage):
        # Thresholds in between hand on beats as they come.
        after = next((each for each in followers if not isinstance(each, ThresholdStage)), None)
        if isinstance(after, WindowStage):
            return replace(stage, queue=stage.queue_for())
    return stage
