"""Held-out losses of the averaged weights: fixed clips, fixed noise, all conditions shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from harmony.data.cache import CachedClip, LatentCache
from harmony.models.conditioning import Streams
from harmony.models.text import CaptionTokenizer
from harmony.training.batches import ClipBatch, PassPlan, load_clean, to_device, usable_clips
from harmony.training.conditions import collate, cut_voice, encode_conditions, show_everything
from harmony.training.config import TrainingConfig
from harmony.training.losses import add_noise, clip_losses, run_model
from harmony.training.tasks import Task
from harmony.training.trainee import Trainee

SIGMAS = (0.25, 0.5, 0.75, 1.0)  # at 1 nothing is seen: what is told there was read from the captions
_CLIPS_AT_ONCE = 32


@dataclass(frozen=True)
class Validation:
    """Fixed held-out batches.

    Losses are plain mean squared errors (no motion weight, no dropout), named ``task.stream`` as in
    ``joint.audio``; each also per sigma and per group of clips, as in ``joint.audio@0.5`` and ``joint.audio/speech``.
    The means leave sigma 1 out.
    """

    batches: tuple[ClipBatch, ...]
    groups: tuple[tuple[str, ...], ...]
    tasks: tuple[Task, ...]
    streams: str

    @classmethod
    def build(cls, cache: LatentCache, tokenizer: CaptionTokenizer, config: TrainingConfig) -> Validation:
        """Take the first ``validation_clips`` clips of a cache that are of a kind that is trained."""
        usable = sorted(i for group in config.data.mix for i in usable_clips(cache, config.data, group))
        chosen = [cache.clips[i] for i in usable[: config.run.validation_clips]]
        if not chosen:
            raise ValueError("the validation cache holds no clips of the kinds that are trained")
        batches, groups = [], []
        for start in range(0, len(chosen), _CLIPS_AT_ONCE):
            clips = chosen[start : start + _CLIPS_AT_ONCE]
            batches.append(_fixed_batch(cache, clips, tokenizer, config, seed=start))
            groups.append(tuple(clip.group for clip in clips))
        tasks = tuple(Task) if config.streams == "both" else (Task.JOINT,)
        return cls(tuple(batches), tuple(groups), tasks, config.streams)

    @torch.no_grad()
    def measure(self, model: Trainee, *, dtype: torch.dtype, device: torch.device) -> dict[str, float]:
        """The model's losses; the model must already carry the weights that are asked about."""
        found: dict[str, list[float]] = {}
        for batch, groups in zip(self.batches, self.groups, strict=True):
            moved = to_device(batch, device)
            noise = moved.noise(device)
            conditioning = encode_conditions(
                moved.passes[0].conditions,
                model.text_encoder,
                model.transcript_encoder,
                dtype=dtype,
                streams=self.streams,
            )
            for task in self.tasks:
                tasks = torch.full_like(moved.passes[0].tasks, int(task))
                for sigma in SIGMAS:
                    clips = add_noise(moved.clean, noise, sigma=torch.full_like(moved.sigma, sigma), tasks=tasks)
                    prediction = run_model(model.transformer, clips, conditioning, dtype=dtype)
                    _record(found, clip_losses(prediction, clips), task, sigma, groups, self.streams)
        return {name: float(np.mean(values)) for name, values in sorted(found.items())}


def _fixed_batch(
    cache: LatentCache, clips: list[CachedClip], tokenizer: CaptionTokenizer, config: TrainingConfig, *, seed: int
) -> ClipBatch:
    timeline = cache.info.timeline
    length = round(config.conditions.reference_seconds[0] * timeline.audio_latent_rate)
    same = config.conditions.reference == "same_clip"
    shown = [
        show_everything(
            clip.scene, i, reference=cut_voice(cache, clip, length, np.random.default_rng(i), same_clip=same)
        )
        for i, clip in enumerate(clips, seed)
    ]
    conditions = collate(shown, tokenizer, timeline, reference_latents=length)
    plan = PassPlan(torch.zeros(len(clips), dtype=torch.long), None, conditions)
    clean = load_clean(cache, clips, streams=config.streams)
    return ClipBatch(clean, torch.zeros(len(clips)), seed, (plan,), {})


def _record(
    found: dict[str, list[float]], losses: Streams, task: Task, sigma: float, groups: tuple[str, ...], streams: str
) -> None:
    """Add the losses of the streams that this task makes."""
    made = {
        "video": streams != "audio" and task != Task.VIDEO_DRIVEN_AUDIO,
        "audio": streams != "video" and task != Task.AUDIO_DRIVEN_VIDEO,
    }
    for stream, is_made in made.items():
        if not is_made:
            continue
        name = f"{task.name.lower()}.{stream}"
        for value, group in zip(getattr(losses, stream).tolist(), groups, strict=True):
            for key in (f"{name}@{sigma}",) if sigma == 1 else (name, f"{name}@{sigma}", f"{name}/{group}"):
                found.setdefault(key, []).append(value)
