"""Forward and backward of a training step as one CUDA graph.

A small model's step is thousands of small kernels, and launching them one by one takes longer than running them. A
graph is captured once for every shape of batch and launched as a whole from then on. That works because parameters and
gradients never move (:mod:`harmony.training.weights`), and because batches are padded to few shapes
(``run.cuda_graphs``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from harmony.models.conditioning import Streams
from harmony.training.batches import ClipBatch

Losses = list[tuple[Tensor, Streams]]  # tasks (B,) and losses (B,) of each pass
_MOST_GRAPHS = 24
_WARM_UPS = 2


@dataclass(frozen=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor]
    losses: Losses


class StepGraphs:
    """Replays ``backward(batch, noise)``, which adds to gradients and gives back losses.

    Args:
        backward: without any wait for the device, and the same for all batches of one shape.
        gradients: (N,) the flat tensor that it adds to.
    """

    def __init__(self, backward: Callable[[ClipBatch, Streams], Losses], gradients: Tensor) -> None:
        self._backward, self._gradients = backward, gradients
        self._captured: dict[tuple, _Captured] = {}
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, batch: ClipBatch, noise: Streams) -> Losses:
        """Losses are valid until the next call."""
        shape = shape_of(batch)
        if shape not in self._captured:
            if len(self._captured) == _MOST_GRAPHS:
                return self._backward(batch, noise)
            self._captured[shape] = self._capture(batch, noise)
        captured = self._captured[shape]
        for own, given in zip(captured.inputs, tensors_of(batch, noise), strict=True):
            own.copy_(given, non_blocking=True)
        captured.graph.replay()
        return captured.losses

    def _capture(self, batch: ClipBatch, noise: Streams) -> _Captured:
        batch = batch.map(torch.clone)
        noise = Streams(*(None if x is None else x.clone() for x in noise))
        before = self._gradients.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._backward(batch, noise)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # Another thread pins memory meanwhile: only this one must not.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            losses = self._backward(batch, noise)
        self._gradients.copy_(before)
        return _Captured(graph, tensors_of(batch, noise), losses)


def tensors_of(batch: ClipBatch, noise: Streams) -> list[Tensor]:
    """All that a step reads, in a fixed order."""
    found: list[Tensor] = [x for x in noise if x is not None]

    def keep(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    batch.map(keep)
    return found


def shape_of(batch: ClipBatch) -> tuple:
    """Equal for batches that one graph serves: which conditions are there, and how long they are."""
    passes = []
    for plan in batch.passes:
        sizes = {name: tuple(value.shape) for name, value in plan.conditions.present.items()}
        passes.append((plan.first_frame is None, *sizes.items()))
    return (*(None if x is None else tuple(x.shape) for x in batch.clean), *passes)
