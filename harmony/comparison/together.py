"""All variants of a comparison as one batch: one clip's conditions and noise, each row under its own guidance.

A batch makes every pass for every clip, needed or not, so it is chosen only where the variants need much the same
passes (strengths of one kind of guidance do), and only in float32: there it saved a quarter of the time on one idle CPU
(nothing on a busy one), and each clip equals its own single run within a grey level. In bfloat16 it saved 5 % on two
busy cores, a full-size model's passes took as long in a batch as in turn on an H200, and the rounding of a larger
product changes a clip about as much as a step of guidance does (0.1 to 0.7 grey levels in the mean; one clip of twelve
became another picture). A model that was opened for a small card keeps to one clip at a time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harmony.comparison.plan import Variant
from harmony.comparison.result import Made, measured
from harmony.guidance import GuidanceConfig, null_weights
from harmony.session.job import JobCancelled, OnStep, frames_of, read_job, write_job
from harmony.session.outside import outside_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from harmony.encoding import EncodedCaptions
    from harmony.pipeline import HarmonyPipeline

MOST_WASTE = 1.2  # passes of the batch over passes that the variants need; a batch's pass costs about that much less


def together_pays(pipe: HarmonyPipeline, variants: Sequence[Variant]) -> bool:
    """Whether the variants can be one batch here, and should; clips that follow a track are made in turn."""
    guidances = guidances_of(pipe, variants)
    alike = len({replace(one, terms=()) for one in guidances}) == 1
    if variants[0].job.driver is not None or pipe.precision != "float32" or not pipe.batch_passes or not alike:
        return False
    needed = sum(variant.job.num_passes(pipe) for variant in variants)
    return passes_together(guidances, task=variants[0].job.task) <= MOST_WASTE * needed


def guidances_of(pipe: HarmonyPipeline, variants: Sequence[Variant]) -> list[GuidanceConfig]:
    """Each variant's, its number of steps included."""
    found = []
    for job in (variant.job for variant in variants):
        guidance = job.guidance(pipe)
        found.append(replace(guidance, num_inference_steps=job.steps or guidance.num_inference_steps))
    return found


def passes_together(guidances: Sequence[GuidanceConfig], *, task: str) -> int:
    """Forward passes of one clip that the batch makes: every clip makes the passes of all."""
    steps = guidances[0].num_inference_steps
    made = dict(video=task != "video_to_audio", audio=task != "audio_to_video")
    total = 0
    for step in range(steps):
        nulls = {null for one in guidances for null in null_weights(one.terms, step=step, num_steps=steps, **made)}
        total += len(guidances) * (1 + len(nulls))
    return total


def make_together(
    pipe: HarmonyPipeline,
    variants: Sequence[Variant],
    folder: Path,
    *,
    captions: EncodedCaptions,
    on_step: OnStep | None,
    cancel: Callable[[], bool] | None,
) -> tuple[tuple[Made, ...], tuple[str, ...]]:
    """The variants at once, and what should be said about them.

    Raises:
        JobCancelled: if ``cancel`` said so.
    """
    from harmony.batch import generate_batch
    from harmony.sampling import GenerationCancelled

    given, started = read_job(pipe, variants[0].job), time.perf_counter()

    def tell(step: int, total: int) -> None:
        if on_step is not None:
            on_step(step, total, (time.perf_counter() - started) / step * (total - step))

    wishes = [given.wish] * len(variants)
    told = dict(guidance=guidances_of(pipe, variants), num_frames=frames_of(pipe, variants[0].job), captions=captions)
    try:
        clips = generate_batch(pipe, wishes, **told, callback=tell, cancel=cancel)
    except GenerationCancelled as error:
        raise JobCancelled from error
    seconds = (time.perf_counter() - started) / len(variants)
    made, cautions = [], dict.fromkeys(given.words)
    for variant, clip in zip(variants, clips, strict=True):
        outcome = write_job(pipe, variant.job, given, clip, folder / f"{variant.name}.mp4", companions=True)
        made.append(measured(variant, outcome, seconds=seconds))
        cautions |= dict.fromkeys(clip.cautions)
    return tuple(made), tuple(cautions | dict.fromkeys(outside_words(pipe, given.files)))
