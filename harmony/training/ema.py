"""The exponential moving average of the weights: what is validated and exported."""

from __future__ import annotations

import torch
from torch import Tensor


def ema_decay(step: int, highest: float) -> float:
    """min(highest, (1 + n) / (10 + n)) after step n = 0, 1, ...: early weights are soon forgotten."""
    return min(highest, (1 + step) / (10 + step))


class MovingAverage:
    """``average <- decay average + (1 - decay) weights`` on one flat tensor.

    Args:
        weights: float32 (N,), copied.
        highest: highest decay, see :func:`ema_decay`.
    """

    def __init__(self, weights: Tensor, *, highest: float = 0.999) -> None:
        self.average = weights.detach().clone()
        self.highest = highest

    @torch.no_grad()
    def update(self, weights: Tensor, *, step: int) -> None:
        """Take in the weights after step n = 0, 1, ..."""
        self.average.lerp_(weights, 1.0 - ema_decay(step, self.highest))
