"""Clips that were made: what is kept of each, its settings in words, and settings read back from a clip's file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from harmony import media
from harmony.session.job import Job
from harmony.session.knobs import Knobs

if TYPE_CHECKING:
    from harmony.generation import GenerationRequest

KEPT = 24  # clips of one visitor
_THUMBNAIL = 192  # pixels of the shorter side
TASK_WORDS = {
    "joint": "Joint generation",
    "audio_to_video": "Audio-driven video",
    "video_to_audio": "Video-driven audio",
}
UPLOAD_WORDS = {
    "reference_audio": "the voice",
    "image": "the first picture",
    "audio": "the sound",
    "video": "the film",
}


@dataclass(frozen=True)
class Kept:
    """One clip of a visitor.

    Attributes:
        clip, thumbnail: files, swept away after a while.
        job: what it was made from, with the uploads' paths.
        at: when, in seconds since the epoch.
    """

    clip: Path
    thumbnail: Path
    job: Job
    at: float

    @classmethod
    def of(cls, clip: Path, job: Job) -> Kept:
        """A clip that was just made; its thumbnail is written beside it."""
        thumbnail = clip.with_name(f"{clip.stem}-thumbnail.png")
        if not thumbnail.is_file():
            frames, _ = media.read_video(clip)
            picture = Image.fromarray(frames[len(frames) // 2])
            scale = max(1.0, _THUMBNAIL / min(picture.size))
            small = picture.resize([round(side * scale) for side in picture.size], Image.Resampling.LANCZOS)
            small.save(thumbnail)
        return cls(clip, thumbnail, job, time.time())

    @property
    def title(self) -> str:
        """The first words of what was asked for."""
        words = self.job.prompt or self.job.audio_prompt or self.job.transcript or TASK_WORDS[self.job.task]
        return words if len(words) <= 48 else words[:47].rstrip() + "…"

    @property
    def is_there(self) -> bool:
        return self.clip.is_file() and self.thumbnail.is_file()


def with_newest(history: Sequence[Kept], new: Kept) -> list[Kept]:
    """The history with a clip at its head: once only, no longer than ``KEPT``, without clips that were swept away."""
    others = [kept for kept in history if kept.clip != new.clip and kept.is_there]
    return [new, *others][:KEPT]


def settings_words(job: Job) -> str:
    """A job's settings as short lines of Markdown."""
    lines = [f"**{TASK_WORDS[job.task]}** · seed {job.seed}" + (f" · {job.steps} steps" if job.steps else "")]
    texts = (("Seen", job.prompt), ("Heard", job.audio_prompt), ("Said", job.transcript))
    lines += [f"{label}: {_plain(text)}" for label, text in texts if text]
    given = [words for name, words in UPLOAD_WORDS.items() if getattr(job, name) is not None]
    lines += [f"Given: {', '.join(given)}" + (f", from {job.start:.2f} s on" if job.start else "")] if given else []
    knobs = job.knobs
    kind = {"sync": "SyncCFG", "isolated": "isolated streams", "none": "no guidance"}.get(knobs.kind or "", "")
    scales = [("picture", knobs.video_scale), ("sound", knobs.audio_scale)] if knobs.kind != "none" else []
    told = [f"{name} {value:g}" for name, value in (*scales, ("text", knobs.text_scale)) if value is not None]
    lines += [f"Guidance: {', '.join([*filter(None, [kind]), *told])}"] if kind or told else []
    if kind and (knobs.start or 0.0, 1.0 if knobs.stop is None else knobs.stop) != (0.0, 1.0):
        lines[-1] += f", from {knobs.start:.0%} to {knobs.stop:.0%} of the steps"
    return "<br>".join(lines)


def job_of_file(path: str | Path) -> tuple[Job, tuple[str, ...]]:
    """The settings that a clip carries in its file, and what has to be given again, in words.

    Raises:
        ValueError: one sentence, if the file is no clip of Harmony (MediaError if it cannot be read at all).
    """
    from harmony.generation import GenerationRequest

    written = media.probe(path).metadata.get("comment", "")
    try:
        request = GenerationRequest.from_json(written)
    except ValueError as error:
        raise ValueError(
            f"'{Path(path).name}' carries no settings of Harmony, so there is nothing to restore"
        ) from error
    return job_of_request(request), tuple(UPLOAD_WORDS[name] for name in UPLOAD_WORDS if name in request.uploads)


def job_of_request(request: GenerationRequest) -> Job:
    """The job that gives this request again, but for its uploads."""
    return Job(
        task=request.task,
        prompt=request.prompt or "",
        audio_prompt=request.audio_prompt or "",
        transcript=request.transcript or "",
        knobs=Knobs.of(request.guidance),
        steps=request.guidance.num_inference_steps,
        seed=request.seed,
        attention=True,
        readout=True,
    )


def without_lost_files(job: Job) -> tuple[Job, tuple[str, ...]]:
    """The job without uploads that were swept away meanwhile, and those in words."""
    lost = [name for name in UPLOAD_WORDS if (path := getattr(job, name)) is not None and not Path(path).is_file()]
    return replace(job, **dict.fromkeys(lost)), tuple(UPLOAD_WORDS[name] for name in lost)


def _plain(text: str) -> str:
    """A visitor's words, so that none of them is taken for markup."""
    escaped = "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|~" else c for c in text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
