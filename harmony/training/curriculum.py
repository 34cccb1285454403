"""The learning rate over a run, and runs one after the other: the paper's three stages."""

from __future__ import annotations

from harmony.training.config import OptimizerConfig, RunConfig


def learning_rate(step: int, config: OptimizerConfig, *, done: float) -> float:
    """Linear warm-up, a plateau, and a linear fall to 0 over the last ``decay_share`` of the run.

    Args:
        step: steps done before this one.
        done: the share of the run that is over, 0 to 1.
    """
    warm = (step + 1) / config.warmup_steps if config.warmup_steps else 1.0
    falling = (1 - done) / config.decay_share if config.decay_share else 1.0
    return config.lr * min(1.0, warm, max(falling, 0.0))


def share_done(step: int, minutes: float, config: RunConfig) -> float:
    """How much of a run is over, by its steps or, where it has a time limit, by whichever is further."""
    by_time = minutes / config.total_minutes if config.total_minutes else 0.0
    return min(1.0, max(step / config.steps, by_time))
