"""The learning rate over a run, and runs one after the other: the paper's three stages."""

from __future__ import annotations

from harmony.training.config import OptimizerConfig


def learning_rate(step: int, config: OptimizerConfig, *, total: int) -> float:
    """Linear warm-up, a plateau, and a linear fall to 0 over the last ``decay_share`` of ``total`` steps.

    Args:
        step: steps done before this one, 0 to ``total - 1``.
    """
    warm = (step + 1) / config.warmup_steps if config.warmup_steps else 1.0
    falling_steps = config.decay_share * total
    falling = (total - step) / falling_steps if falling_steps else 1.0
    return config.lr * min(1.0, warm, falling)
