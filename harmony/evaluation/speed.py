"""How long one clip takes, and what share of the machine's measured matrix-product rate that is."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from harmony.evaluation.events import interval
from harmony.evaluation.figures import Figure
from harmony.guidance import GuidanceTerm
from harmony.pipeline import HarmonyPipeline

PROMPT = "a red drum is hit three times"
_SIZES = (512, 1024, 2048)  # of the square matrices whose product is timed


def seconds_per_clip(
    pipe: HarmonyPipeline, *, terms: Sequence[GuidanceTerm] | None = None, runs: int = 5, prompt: str = PROMPT
) -> Figure:
    """Median wall-clock seconds of one clip, model loaded, from the caption to frames and waveform.

    Args:
        pipe: the model.
        terms: guidance in place of the checkpoint's; ``()`` for none.
        runs: timed ones; one more goes before them to warm up.
        prompt: what is asked for.
    """
    times = []
    for seed in range(runs + 1):
        start = time.perf_counter()
        pipe(prompt, guidance=terms, seed=seed)
        times.append(time.perf_counter() - start)
    return median_figure(times[1:], precision=pipe.precision, threads=torch.get_num_threads())


def median_figure(values: Sequence[float], **details) -> Figure:
    array = np.asarray(values, float)
    low, high = interval(lambda index: float(np.median(array[index])), len(array))
    return Figure(float(np.median(array)), low, high, len(array), details)


def in_float32(pipe: HarmonyPipeline) -> HarmonyPipeline:
    """The same model computing in float32; the given pipeline stays as it is."""
    transformer = copy.deepcopy(pipe.transformer).float()
    other = HarmonyPipeline(**{**pipe.components, "transformer": transformer})
    other.register_to_config(**{name: value for name, value in pipe.config.items() if name in _SIZE_OF_A_CLIP})
    other.guidance = pipe.guidance
    return other


_SIZE_OF_A_CLIP = ("num_frames", "max_num_frames", "height", "width")


def share_of_peak(pipe: HarmonyPipeline, seconds: Figure, *, prompt: str = PROMPT) -> Figure:
    """Operations of a guided clip in its median time, as a share of the best matrix-product rate measured here."""
    operations = count_operations(lambda: pipe(prompt, seed=0))
    rate = matmul_rate(pipe.transformer.dtype)
    share = operations / rate
    return Figure(
        share / seconds.value, share / seconds.high, share / seconds.low, seconds.clips,
        dict(gigaflop_per_clip=operations / 1e9, matmul_gigaflops=rate / 1e9, precision=pipe.precision),
    )  # fmt: skip


def count_operations(work: Callable[[], object]) -> int:
    """Floating-point operations of matrix products, convolutions and attention."""
    counter = FlopCounterMode(display=False)
    with counter:
        work()
    return counter.get_total_flops()


def matmul_rate(dtype: torch.dtype, *, seconds: float = 1.0) -> float:
    """The best rate of square matrix products, in operations per second, with torch's present number of threads."""
    best = 0.0
    for size in _SIZES:
        a = torch.randn(size, size).to(dtype)
        a @ a
        until = time.perf_counter() + seconds / len(_SIZES)
        while (start := time.perf_counter()) < until:
            a @ a
            best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best
