"""With which words and which voice each clip is shown.

Users give little: one caption for both streams, a transcript without times, a sound and nothing else. So training
hides conditions independently of each other, and more of them in the driven tasks. All of it is decided here, on the
processor and ahead of the model, as plain tensors.

Shape letters: B clips, L caption tokens, N transcript tokens, A audio latents, C channels, R reference latents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harmony.data.cache import CachedClip, LatentCache
from harmony.data.world import Captions, Scene, describe
from harmony.models.conditioning import Conditioning
from harmony.models.schedule import ScheduledWord, render_timing_track
from harmony.models.text import CaptionEncoder, CaptionTokenizer
from harmony.models.transcript import TranscriptEncoder, spoken_words, transcript_batch
from harmony.timeline import Timeline
from harmony.training.config import ConditionConfig, ShownConfig
from harmony.training.tasks import Task


@dataclass(frozen=True)
class Shown:
    """What one clip is shown with; ``None`` means hidden.

    Attributes:
        video_caption, audio_caption: texts.
        transcript: what is said.
        schedule: the words with their times, rendered as the timing track.
        reference: (C, R) latents of the voice.
    """

    video_caption: str | None = None
    audio_caption: str | None = None
    transcript: str | None = None
    schedule: tuple[ScheduledWord, ...] | None = None
    reference: np.ndarray | None = None


@dataclass(frozen=True)
class ConditionBatch:
    """Conditions as ids and latents, before the encoders; ``None`` where no clip of the batch has the condition.

    Attributes:
        captions: (2B, L) ids and mask, the picture's captions first, then the sound's.
        transcript: (B, N) ids, mask and rotary positions.
        timing: (B, A) unit ids.
        reference: (B, C, R) latents; reference_mask: (B, R) bool.
    """

    caption_ids: Tensor
    caption_mask: Tensor
    transcript_ids: Tensor | None = None
    transcript_mask: Tensor | None = None
    transcript_position: Tensor | None = None
    timing: Tensor | None = None
    reference: Tensor | None = None
    reference_mask: Tensor | None = None

    @property
    def present(self) -> dict[str, Tensor]:
        """The tensors that are there, by name."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    def map(self, change: Callable[[Tensor], Tensor]) -> ConditionBatch:
        """Every tensor changed."""
        return replace(self, **{name: change(value) for name, value in self.present.items()})

    def padded(self, multiple: int) -> ConditionBatch:
        """Captions and transcripts padded to lengths that ``multiple`` divides."""
        growing = {name for name in self.present if name.startswith(("caption_", "transcript_"))}
        return replace(
            self,
            **{name: F.pad(x, (0, -x.shape[1] % multiple)) for name, x in self.present.items() if name in growing},
        )


def choose_shown(
    scene: Scene,
    task: Task,
    config: ConditionConfig,
    rng: np.random.Generator,
    *,
    reference: np.ndarray | None = None,
) -> Shown:
    """Decide what one clip is shown with in one task.

    Args:
        reference: (C, R) latents of the clip's voice, where it has one and this batch has references.
    """
    shares: ShownConfig = getattr(config, task.name.lower())
    captions = describe(scene, int(rng.integers(2**31)))
    video, audio = _caption_texts(captions, shares, config.one_caption, rng)
    hides_text = rng.random() < shares.drop_all_text
    hides_video, hides_audio, hides_voice = rng.random(3) < (
        shares.drop_video_caption,
        shares.drop_audio_caption,
        shares.drop_reference,
    )
    way = int(rng.choice(4, p=np.asarray(shares.transcript) / sum(shares.transcript)))
    speaks = bool(scene.transcript) and not hides_text
    return Shown(
        video_caption=None if hides_text or hides_video else video,
        audio_caption=None if hides_text or hides_audio else audio,
        transcript=scene.transcript if speaks and way in (0, 1) else None,
        schedule=schedule_of(scene) if speaks and way in (0, 2) else None,
        reference=None if hides_voice else reference,
    )


def show_everything(scene: Scene, seed: int, *, reference: np.ndarray | None = None) -> Shown:
    """All conditions of a clip, for validation."""
    captions = describe(scene, seed)
    schedule = schedule_of(scene) if scene.transcript else None
    return Shown(captions.video, captions.audio, scene.transcript, schedule, reference)


def anchor_shown(shown: Shown) -> Shown:
    """What stays of the conditions when a clip is replaced by silence and a still picture: the picture's caption."""
    return Shown(video_caption=shown.video_caption)


def _caption_texts(
    captions: Captions, shares: ShownConfig, one_caption: float, rng: np.random.Generator
) -> tuple[str, str]:
    """The texts of both streams; sometimes one text serves both, as when a user writes a single caption."""
    video = captions.video_plain if rng.random() < shares.plain_caption else captions.video
    chance = rng.random()
    if chance < one_caption / 2:
        return video, video
    if chance < one_caption:
        both = f"{video}, {captions.audio}"
        return both, both
    return video, captions.audio


def schedule_of(scene: Scene) -> tuple[ScheduledWord, ...]:
    """The scene's words in spoken units, with their true times."""
    units = ((_spoken(word.text), word) for word in scene.words)
    return tuple(ScheduledWord(unit, word.start, word.end) for unit, word in units if unit)


@lru_cache(maxsize=4096)
def _spoken(text: str) -> str:
    return "".join(spoken_words(text))


def collate(
    shown: Sequence[Shown], tokenizer: CaptionTokenizer, timeline: Timeline, *, reference_latents: int
) -> ConditionBatch:
    """Conditions of B clips as tensors, each padded to the longest of the batch.

    Args:
        reference_latents: R of this batch, 0 for a batch without references; shorter references are masked.
    """
    ids, mask = tokenizer.encode_batch([s.video_caption for s in shown] + [s.audio_caption for s in shown])
    batch = ConditionBatch(ids, mask)
    if any(s.transcript for s in shown):
        said = transcript_batch([s.transcript for s in shown], timeline.num_audio_latents)
        batch = replace(batch, transcript_ids=said[0], transcript_mask=said[1], transcript_position=said[2])
    if any(s.schedule for s in shown):
        batch = replace(batch, timing=torch.stack([render_timing_track(s.schedule or (), timeline) for s in shown]))
    voices = [s.reference for s in shown]
    if reference_latents and any(voice is not None for voice in voices):
        reference, present = _stack_voices(voices, reference_latents)
        batch = replace(batch, reference=reference, reference_mask=present)
    return batch


def _stack_voices(voices: Sequence[np.ndarray | None], length: int) -> tuple[Tensor, Tensor]:
    channels = next(voice.shape[0] for voice in voices if voice is not None)
    reference = torch.zeros(len(voices), channels, length)
    present = torch.zeros(len(voices), length, dtype=torch.bool)
    for row, voice in enumerate(voices):
        if voice is not None:
            reference[row, :, : voice.shape[1]] = torch.from_numpy(voice[:, :length].astype(np.float32))
            present[row, : voice.shape[1]] = True
    return reference, present


def cut_voice(
    cache: LatentCache, clip: CachedClip, length: int, rng: np.random.Generator, *, same_clip: bool
) -> np.ndarray | None:
    """A cut of ``length`` latents from a clip's voice reference, (C, length); None where nobody speaks."""
    voice = cache.reference(clip, same_clip=same_clip)
    if voice is None:
        return None
    start = int(rng.integers(max(1, voice.shape[1] - length + 1)))
    return voice[:, start : start + length]


def encode_conditions(
    batch: ConditionBatch,
    text_encoder: CaptionEncoder,
    transcript_encoder: TranscriptEncoder,
    *,
    dtype: torch.dtype,
    streams: str = "both",
) -> Conditioning:
    """Run the encoders; both streams' captions share one pass.

    For ``streams`` "audio" the picture's captions are left out, for "video" all that only the sound reads.
    """
    half = len(batch.caption_ids) // 2
    if streams == "video":
        ids, mask = batch.caption_ids[:half], batch.caption_mask[:half]
        return Conditioning(video_caption=text_encoder(ids, mask), video_caption_mask=mask)
    start = half if streams == "audio" else 0
    ids, mask = batch.caption_ids[start:], batch.caption_mask[start:]
    embeddings = text_encoder(ids, mask)
    said: dict[str, Tensor] = {}
    if batch.transcript_ids is not None:
        said["transcript"] = transcript_encoder(batch.transcript_ids, batch.transcript_mask)
        said |= dict(transcript_mask=batch.transcript_mask, transcript_position=batch.transcript_position)
    if batch.timing is not None:
        said["timing"] = transcript_encoder.encode_timing(batch.timing)
    if batch.reference is not None:
        said |= dict(reference=batch.reference.to(dtype), reference_mask=batch.reference_mask)
    if streams == "both":
        said |= dict(video_caption=embeddings[:half], video_caption_mask=mask[:half])
    return Conditioning(audio_caption=embeddings[-half:], audio_caption_mask=mask[-half:], **said)
