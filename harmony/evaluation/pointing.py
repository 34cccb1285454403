"""Does attention point at what sounds? The peak of a heat map inside the true source mask, against a centre guess.

The map of an event says where the sound that begins there looks: V2A weights of its audio latents, a mean over the
heads that the checkpoint names as its pointing ones (else over all heads of the middle third of the layers), summed
over the video latents in reach, and enlarged as in the app. It is recorded while the model makes the sound of a
*true* clip, so that the true masks apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmony.batch import Wish, generate_batch
from harmony.data.world import Clip
from harmony.guidance import GuidanceConfig
from harmony.models.recorder import AttentionRecorder
from harmony.pipeline import HarmonyPipeline
from harmony.timeline import Timeline
from harmony.visualize.heat import enlarge

EVENT_SECONDS = 0.0625  # how much of a sound counts as its beginning


@dataclass(frozen=True)
class Pointing:
    """One event: whether the map's peak, and whether the picture's centre, lies on the true source."""

    hit: bool
    centre_hit: bool


def middle_third(num_layers: int) -> range:
    """The layers whose attention is read where no heads are named; all of a very shallow model's."""
    return range(num_layers // 3, num_layers - num_layers // 3)


def sound_maps(
    pipe: HarmonyPipeline, wishes: Sequence[Wish], guidance: GuidanceConfig, *, batch_size: int = 8
) -> list[NDArray]:
    """For each video-driven request, where every audio latent looks: (A, h, w)."""
    maps: list[NDArray] = []
    for start in range(0, len(wishes), batch_size):
        batch = wishes[start : start + batch_size]
        layers = middle_third(pipe.transformer.config.num_layers)
        recorder = AttentionRecorder(range(len(batch)), layers=layers, pointing=pipe.pointing)
        generate_batch(pipe, batch, guidance=guidance, recorder=recorder)
        maps += list(recorder.source_maps().sum(2).numpy())
    return maps


def point_at_events(looks: NDArray, clip: Clip, timeline: Timeline) -> list[Pointing]:
    """Judge every event of a true clip by ``looks`` (A, h, w); events whose source is out of sight are left out."""
    results = []
    for event in clip.scene.events:
        mask = clip.source_masks[event.source, timeline.frame_at(event.time)]
        results.append(point(span_of(looks, event.time, event.time + EVENT_SECONDS, timeline), mask))
    return [result for result in results if result is not None]


def span_of(looks: NDArray, start: float, end: float, timeline: Timeline) -> NDArray:
    """The mean map (h, w) of the sound from ``start`` to ``end``, in seconds."""
    first, last = timeline.audio_latent_at(start), timeline.audio_latent_at(end - 1e-6)
    return looks[first : last + 1].mean(0)


def point(heat: NDArray, mask: NDArray) -> Pointing | None:
    """Judge one event by its map (h, w) and the true source mask (H, W); ``None`` where the source is out of sight."""
    if not mask.any():
        return None
    height, width = mask.shape
    big = enlarge(heat, height, width)
    # Towards the picture's edge the enlarged map is flat: the middle of the highest plateau is its peak.
    plateau = np.argwhere(big >= big.max() - 1e-4 * (big.max() - big.min() + 1e-12))
    peak = tuple(np.round(plateau.mean(0)).astype(int))
    return Pointing(bool(mask[peak]), bool(mask[height // 2, width // 2]))


def louder_side(heat: NDArray, masks: Sequence[NDArray]) -> int:
    """Which of several sources the map favours: the one with the highest mean heat inside its mask."""
    height, width = masks[0].shape
    big = enlarge(heat, height, width)
    return int(np.argmax([big[mask].mean() if mask.any() else -np.inf for mask in masks]))


def speaker_found(looks: NDArray, clip: Clip, timeline: Timeline) -> bool:
    """Whether the sound of a clip's words looks more at the face that says them than at the other ones.

    Args:
        looks: (A, h, w).
        clip: a true one in which somebody speaks, with a mask per face.
    """
    words = clip.scene.words
    heat = np.mean([span_of(looks, word.start, word.end, timeline) for word in words], axis=0)
    masks = clip.source_masks[:, timeline.frame_at((words[0].start + words[-1].end) / 2)]
    return louder_side(heat, list(masks)) == words[0].source
