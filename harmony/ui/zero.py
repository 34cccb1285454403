"""What a Space with a shared GPU (ZeroGPU) is told: how long a request will need the card.

The rates are assumed, and low: they ask for time and promise nothing. A request that takes longer is stopped, one that
asks for too long waits longer for its turn.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # seconds of imports that only a Space with ZeroGPU needs
    from harmony.pipeline import HarmonyPipeline
    from harmony.session import Job

TEXT_SECONDS = 20  # one pass of the text encoder, and its way to the card
START_SECONDS = 20  # the other weights' way to the card
DENOISE_RATE, CODEC_RATE = 100e12, 15e12  # operations per second: bf16 attention and products, float32 convolutions


def clip_seconds(pipe: HarmonyPipeline, job: Job) -> int:
    """Seconds of a card for one clip: its passes (steps and guidance) and its coding, both by its size."""
    one_pass, coding = _operations(pipe)
    return ceil(START_SECONDS + job.num_passes(pipe) * one_pass / DENOISE_RATE + coding / CODEC_RATE)


@lru_cache(maxsize=1)  # a process keeps one model, and counting takes seconds
def _operations(pipe: HarmonyPipeline) -> tuple[int, int]:
    """Of one pass, and of all coding, for a clip of the model's own size."""
    import torch

    from harmony.memory.parts import Parts

    parts = Parts.of_pipeline(pipe)
    one_pass = parts.denoise_cost(parts.size, clips=1, dtype=torch.bfloat16)
    return one_pass.operations, parts.decode_cost(parts.size).operations + parts.encode_cost(parts.size).operations
