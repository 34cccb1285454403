"""Making the clips that are judged, and reading them back from the files that a person would get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from harmony import media
from harmony.evaluation.cases import Case
from harmony.evaluation.detectors import HeardEventDetector, SeenEventDetector
from harmony.guidance import GuidanceTerm
from harmony.pipeline import HarmonyPipeline

Way = Literal["joint", "audio_to_video", "video_to_audio", "image_to_clip"]


@dataclass(frozen=True)
class Judged:
    """One clip as its file holds it: frames uint8 (F, H, W, 3), waveform (S,) at 16 kHz."""

    case: Case
    frames: np.ndarray
    waveform: np.ndarray


def generate(
    pipe: HarmonyPipeline, case: Case, way: Way, *, terms: Sequence[GuidanceTerm] | None = None, folder: Path
) -> Path:
    """Make one clip and save it as mp4; a clip that is already there is kept (an evaluation resumes).

    Audio-driven requests carry a caption of the picture without counts, video-driven ones no caption at all.
    """
    path = folder / f"{case.name}.mp4"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    captions, timeline = case.captions, pipe.timeline
    options = dict(guidance=None if terms is None else list(terms), seed=10_000 + case.seed)
    if way == "joint":
        clip = pipe(captions.video, audio_prompt=captions.audio, transcript=case.scene.transcript, **options)
    elif way == "audio_to_video":
        true = case.clip(timeline)
        clip = pipe(captions.video_plain, audio=(true.waveform, timeline.sample_rate), **options)
    elif way == "video_to_audio":
        true = case.clip(timeline)
        clip = pipe(video=(true.frames, timeline.frame_rate), **options)
    else:
        first = case.clip(timeline).frames[0]
        clip = pipe(
            captions.video, audio_prompt=captions.audio, transcript=case.scene.transcript, image=first, **options
        )
    return clip.save(path)


def read_back(case: Case, path: Path) -> Judged:
    """The clip as its mp4 holds it."""
    frames, _ = media.read_video(path)
    waveform, _ = media.read_audio(path, sample_rate=16_000)
    return Judged(case, frames, waveform)


def through_codecs(pipe: HarmonyPipeline, case: Case) -> Judged:
    """The true clip, encoded and decoded: the ceiling of everything the model makes."""
    true = case.clip(pipe.timeline)
    with torch.no_grad():
        video = as_video(true.frames[None]).permute(0, 2, 1, 3, 4) * 2 - 1
        codec = pipe.video_codec
        video = codec.decode(codec.encode(video.to(codec.dtype))).float()
        sound = pipe.audio_codec
        waveform = sound.decode(sound.encode(torch.from_numpy(true.waveform)[None].to(sound.dtype))).float()
    frames = ((video[0].permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    return Judged(case, frames, waveform[0].numpy())


def as_video(frames: np.ndarray) -> Tensor:
    """uint8 (B, F, H, W, 3) to floats (B, F, 3, H, W) in [0, 1]."""
    return torch.from_numpy(frames).permute(0, 1, 4, 2, 3).float() / 255


def events_of(
    clips: Sequence[Judged], *, seen: SeenEventDetector, heard: HeardEventDetector
) -> tuple[list[list[float]], list[list[float]]]:
    """Times of the events seen and of the events heard, per clip."""
    seen_times = [seen.events(as_video(clip.frames[None]))[0] for clip in clips]
    heard_times = [heard.events(torch.from_numpy(clip.waveform)[None])[0] for clip in clips]
    return seen_times, heard_times
