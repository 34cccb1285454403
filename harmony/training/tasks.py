"""Cross-task synergy: which task a clip serves, which stream is clean in it, and what its losses weigh.

The paper's loss is ``L = L_joint + 0.1 L(audio-driven video) + 0.3 L(video-driven audio)``. ``literal`` computes it
with three passes; ``sampled`` draws one task a clip and divides its weight by its probability, so that the expectation
is the same loss at a third of the cost.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from torch import Tensor

from harmony.models.conditioning import Streams
from harmony.training.config import TaskConfig


class Task(IntEnum):
    """What is made: both streams, the video for a clean sound, or the sound for a clean video."""

    JOINT = 0
    AUDIO_DRIVEN_VIDEO = 1
    VIDEO_DRIVEN_AUDIO = 2


def draw_tasks(count: int, config: TaskConfig, rng: np.random.Generator) -> list[np.ndarray]:
    """The tasks (count,) of each pass over a batch: one pass when sampled, three when literal."""
    if config.cross_task == "literal":
        return [np.full(count, task, dtype=np.int64) for task in Task]
    if config.cross_task != "sampled":
        return [np.full(count, Task[config.cross_task.upper()], dtype=np.int64)]
    # Each task's share of the batch is as even as chance allows: systematic sampling, then a shuffle.
    points = (np.arange(count) + rng.random()) / count
    tasks = np.searchsorted(np.cumsum(config.probabilities)[:-1], points, side="right")
    return [rng.permutation(tasks).astype(np.int64)]


def task_weights(config: TaskConfig) -> tuple[float, float, float]:
    """What the loss of a clip in each task counts.

    Literal: (1, lambda_video, lambda_audio). Sampled and ``exact``: the same divided by the probabilities. One task
    alone counts 1.
    """
    literal = (1.0, config.lambda_video, config.lambda_audio)
    if config.cross_task == "literal":
        return literal
    if config.weighting == "plain" or config.cross_task != "sampled":
        return (1.0, 1.0, 1.0)
    joint, audio_driven, video_driven = (w / p for w, p in zip(literal, config.probabilities, strict=True))
    return joint, audio_driven, video_driven


def stream_weights(tasks: Tensor, config: TaskConfig) -> Streams:
    """Weights (B,) of each clip's video loss and audio loss; the stream that is given clean gets 0."""
    weight = sum(value * (tasks == task) for task, value in zip(Task, task_weights(config), strict=True))
    return Streams(video=weight * (tasks != Task.VIDEO_DRIVEN_AUDIO), audio=weight * (tasks != Task.AUDIO_DRIVEN_VIDEO))


def stream_sigmas(tasks: Tensor, sigma: Tensor) -> Streams:
    """Noise levels (B,) of both streams: equal in the joint task, 0 for the stream that is given."""
    return Streams(video=sigma * (tasks != Task.VIDEO_DRIVEN_AUDIO), audio=sigma * (tasks != Task.AUDIO_DRIVEN_VIDEO))
