"""Clips that were made: what is kept of each, its settings in words, and settings read back from a clip's file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from harmony import media
from harmony.session.job import Job
from harmony.session.knobs import Knobs
from harmony.session.word_times import format_word_times

if TYPE_CHECKING:
    from harmony.generation import GenerationRequest

KEPT = 24  # clips of one visitor
LONGEST = 60.0  # seconds; no clip of Harmony is longer, whatever a file says of itself
_THUMBNAIL = 192  # pixels of the shorter side
_WORDS = 300  # characters of a text that are shown
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
    """One clip of a visitor, in a folder of its own: visitors who made the very same clip do not share it.

    Attributes:
        clip, thumbnail: files, swept away after a while.
        source: the file that ``clip`` is a copy of.
        job: what it was made from, with the uploads' paths.
        asked: uploads that it was made with and that nobody has any more, in words.
        note: what else should be known before its settings are used again.
    """

    clip: Path
    thumbnail: Path
    source: Path
    job: Job
    asked: tuple[str, ...] = ()
    note: str = ""

    @classmethod
    def of(cls, source: Path, job: Job, folder: Path) -> Kept:
        """A clip that was made here: copied into ``folder`` with the sound and the settings that lie beside it."""
        clip = folder / f"{source.stem}.mp4"
        shutil.copyfile(source, clip)
        for suffix in (".wav", ".json"):
            if source.with_suffix(suffix).is_file():
                shutil.copyfile(source.with_suffix(suffix), clip.with_suffix(suffix))
        return cls(clip, _draw_thumbnail(clip), source, job)

    @classmethod
    def from_file(cls, source: Path, folder: Path, *, model: str | None = None) -> Kept:
        """A clip that was made earlier, anywhere: its settings come from its file.

        Args:
            source: the file. folder: an empty one, for the copy.
            model: the one in use, where it is known.

        Raises:
            ValueError: one sentence, if it is no clip of Harmony (MediaError if it cannot be read at all).
        """
        request = request_of_file(source)
        job = job_of_request(request)
        if job.task == "joint":
            job = replace(job, duration=media.probe(source).duration)
        kept = cls.of(source, job, folder)
        kept.settings.write_text(request.model_dump_json(exclude_none=True, indent=2) + "\n", encoding="utf-8")
        if media.probe(kept.clip).has_audio:
            media.write_wav(kept.sound, *media.read_audio(kept.clip, mono=False))
        asked = tuple(words for name, words in UPLOAD_WORDS.items() if name in request.uploads)
        kept = replace(kept, asked=asked)
        if model in (None, request.model):
            return kept
        return replace(kept, note=f"The model {_plain(request.model)} made it; {_plain(model)} is in use and differs.")

    @property
    def sound(self) -> Path:
        return self.clip.with_suffix(".wav")

    @property
    def settings(self) -> Path:
        return self.clip.with_suffix(".json")

    @property
    def title(self) -> str:
        """The first words of what was asked for."""
        words = self.job.prompt or self.job.audio_prompt or self.job.transcript or TASK_WORDS[self.job.task]
        return _shortened(words, 48)

    @property
    def is_there(self) -> bool:
        return self.clip.is_file() and self.thumbnail.is_file()

    def part(self, name: str) -> Path:
        """The clip's ``audio`` (wav), ``video`` (itself) or ``image`` (its first picture), as a file beside it.

        Raises:
            ValueError: the clip has no sound.
            FileNotFoundError: the clip was swept away meanwhile.
        """
        if not self.is_there:
            raise FileNotFoundError("this clip is no longer kept; make it again")
        if name == "video":
            return self.clip
        if name == "audio":
            if not self.sound.is_file():
                raise ValueError("this clip has no sound that could be sent")
            return self.sound
        picture = self.clip.with_name(f"{self.clip.stem}-first.png")
        _picture_at(self.clip, 0.0).save(picture)
        return picture

    def delete(self) -> None:
        """Remove its files."""
        shutil.rmtree(self.clip.parent, ignore_errors=True)


def with_newest(history: Sequence[Kept], new: Kept) -> list[Kept]:
    """The history with a clip at its head: once only, no longer than ``KEPT``, without clips that were swept away."""
    others = [kept for kept in history if kept.source != new.source and kept.is_there]
    return [new, *others][:KEPT]


def settings_words(job: Job) -> str:
    """A job's settings as short lines of Markdown."""
    steps = f" · {job.steps} step{'s' * (job.steps != 1)}" if job.steps else ""
    lines = [f"**{TASK_WORDS[job.task]}** · seed {job.seed}{steps}"]
    texts = (("Seen", job.prompt), ("Heard", job.audio_prompt), ("Said", job.transcript), ("At", job.word_times))
    lines += [f"{label}: {_plain(text)}" for label, text in texts if text]
    given = [words for name, words in UPLOAD_WORDS.items() if getattr(job, name) is not None]
    lines += [f"Given: {', '.join(given)}" + (f", from {job.start:.2f} s on" if job.start else "")] if given else []
    knobs = job.knobs
    kind = {"sync": "SyncCFG", "isolated": "isolated streams", "none": "no guidance"}.get(knobs.kind or "", "")
    scales = [("picture", knobs.video_scale), ("sound", knobs.audio_scale)] if knobs.kind != "none" else []
    told = [f"{name} {value:g}" for name, value in (*scales, ("text", knobs.text_scale)) if value is not None]
    lines += [f"Guidance: {', '.join([*filter(None, [kind]), *told])}"] if kind or told else []
    start, stop = knobs.start or 0.0, 1.0 if knobs.stop is None else knobs.stop
    if kind and (start, stop) != (0.0, 1.0):
        lines[-1] += f", from {start:.0%} to {stop:.0%} of the steps"
    return "<br>".join(lines)


def request_of_file(path: str | Path) -> GenerationRequest:
    """The settings that a clip carries in its file.

    Raises:
        ValueError: one sentence, if the file is no clip of Harmony (MediaError if it cannot be read at all).
    """
    from harmony.generation import GenerationRequest

    found, name = media.probe(path), Path(path).name
    if not found.has_video:
        raise ValueError(f"'{name}' holds no moving pictures, so it is no clip of Harmony")
    try:
        request = GenerationRequest.from_json(found.metadata.get("comment", ""))
    except ValueError as error:
        raise ValueError(f"'{name}' carries no settings of Harmony, so there is nothing to restore") from error
    if found.duration > LONGEST:
        raise ValueError(
            f"'{name}' lasts {found.duration:.0f} s, longer than any clip of Harmony; drop the clip itself"
        )
    return request


def job_of_request(request: GenerationRequest) -> Job:
    """The job that gives this request again, but for its uploads."""
    return Job(
        task=request.task,
        prompt=request.prompt or "",
        audio_prompt=request.audio_prompt or "",
        transcript=request.transcript or "",
        word_times=format_word_times(request.schedule or ()),
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


def _draw_thumbnail(clip: Path) -> Path:
    """A picture from the middle of the clip, beside it."""
    picture = _picture_at(clip, media.probe(clip).duration / 2)
    scale = _THUMBNAIL / min(picture.size)
    thumbnail = clip.with_name(f"{clip.stem}-thumbnail.png")
    picture.resize([round(side * scale) for side in picture.size], Image.Resampling.LANCZOS).save(thumbnail)
    return thumbnail


def _picture_at(clip: Path, start: float) -> Image.Image:
    """What the clip shows from ``start`` seconds on; only that is decoded, because a stranger's file may be huge."""
    frames, _ = media.read_video(clip, start=start, duration=1.0 / media.probe(clip).frame_rate)
    return Image.fromarray(frames[0])


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _plain(text: str) -> str:
    """A visitor's words, so that none of them is taken for markup."""
    escaped = "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|~$" else c for c in _shortened(text, _WORDS))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
