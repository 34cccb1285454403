"""Making the clips that are judged, and reading them back from the files that a person would get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from einops import reduce
from torch import Tensor

from harmony import media
from harmony.batch import Wish, generate_batch
from harmony.evaluation.cases import Case
from harmony.evaluation.detectors import HeardEventDetector, SeenEventDetector
from harmony.guidance import GuidanceTerm
from harmony.pipeline import HarmonyPipeline
from harmony.timeline import Timeline

Way = Literal["joint", "audio_to_video", "video_to_audio", "image_to_clip"]
SAMPLE_RATE = 16_000  # at which every clip is judged
JUDGED_SIZE = 64  # and at which size, in pixels


@dataclass(frozen=True)
class Judged:
    """One clip as its file holds it: frames uint8 (F, H, W, 3) at the true clips' size, waveform (S,) at 16 kHz, and
    the file, if it has one."""

    frames: np.ndarray
    waveform: np.ndarray
    path: Path | None = None


def wish_of(case: Case, way: Way, timeline: Timeline) -> Wish:
    """What is asked of the model for one case.

    Audio-driven requests carry a caption of the picture without counts, video-driven ones no caption at all.
    """
    captions, seed = case.captions, 10_000 + case.seed
    if way == "audio_to_video":
        sound = (case.clip(timeline).waveform, timeline.sample_rate)
        return dict(prompt=captions.video_plain, audio=sound, seed=seed)
    if way == "video_to_audio":
        return dict(video=(case.clip(timeline).frames, timeline.frame_rate), seed=seed)
    told = dict(prompt=captions.video, audio_prompt=captions.audio, transcript=case.scene.transcript or None, seed=seed)
    return told | dict(image=case.clip(timeline).frames[0]) if way == "image_to_clip" else told


def make_clips(
    pipe: HarmonyPipeline,
    wishes: Sequence[tuple[str, Callable[[], Wish]]],
    *,
    folder: Path,
    terms: Sequence[GuidanceTerm] | None = None,
    batch_size: int = 8,
) -> list[Path]:
    """Make a clip for each named wish and save it as mp4; one that is already there is kept (an evaluation resumes).

    Args:
        pipe: the model.
        wishes: names, and functions that give what is asked (called only for clips that are missing); of one task.
        folder: where the files go.
        terms: guidance in place of the checkpoint's; ``()`` for none.
        batch_size: clips that go through the model together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    guidance = pipe.guidance if terms is None else replace(pipe.guidance, terms=tuple(terms))
    paths = {name: folder / f"{name}.mp4" for name, _ in wishes}
    missing = [(name, wish) for name, wish in wishes if not paths[name].is_file()]
    for start in range(0, len(missing), batch_size):
        names, batch = zip(*missing[start : start + batch_size], strict=True)
        clips = generate_batch(pipe, [wish() for wish in batch], guidance=guidance)
        for name, clip in zip(names, clips, strict=True):
            unfinished = clip.save(paths[name].with_suffix(".part.mp4"))
            unfinished.replace(paths[name])  # an interrupted evaluation leaves no half clip behind
    return list(paths.values())


def read_back(path: Path) -> Judged:
    """The clip as its mp4 holds it."""
    frames, _ = media.read_video(path)
    waveform, _ = media.read_audio(path, sample_rate=SAMPLE_RATE)
    return Judged(as_judged(frames), waveform, path)


def as_judged(frames: np.ndarray) -> np.ndarray:
    """Frames (F, H, W, 3) shrunk to the size of the true clips, where a decoder draws larger than that.

    The judges look at 64 x 64 pixels anyway, and what is measured in pixels must be so for made and true clips alike.
    """
    times = min(frames.shape[1:3]) // JUDGED_SIZE
    if times < 2:
        return frames
    means = reduce(frames.astype(np.float32), "f (h a) (w b) c -> f h w c", "mean", a=times, b=times)
    return means.round().astype(np.uint8)


def through_codecs(pipe: HarmonyPipeline, true: Judged) -> Judged:
    """A true clip, encoded and decoded: the ceiling of everything the model makes."""
    with torch.no_grad():
        video = as_video(true.frames[None]).transpose(1, 2) * 2 - 1
        codec = pipe.video_codec
        video = codec.decode(codec.encode(video.to(codec.dtype))).float()
        sound = pipe.audio_codec
        waveform = sound.decode(sound.encode(torch.from_numpy(true.waveform)[None].to(sound.dtype))).float()
    frames = ((video[0].permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    return Judged(as_judged(frames), waveform[0].numpy())


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
