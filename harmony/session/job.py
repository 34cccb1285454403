"""One job: read a person's files, trim them where the person says, make the clip, write everything down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from harmony import media
from harmony.guidance import GuidanceConfig, num_passes
from harmony.session.attention import write_attention
from harmony.session.knobs import Knobs
from harmony.session.outside import outside_words
from harmony.session.part import Part, used_part, voice_part
from harmony.session.word_times import parse_word_times

if TYPE_CHECKING:  # these bring diffusers along, seconds that a help page or an empty app need not wait for
    from harmony.conditions import Task
    from harmony.encoding import EncodedCaptions
    from harmony.generation import Generation
    from harmony.pipeline import HarmonyPipeline
    from harmony.progress import Progress
    from harmony.session.readout import SyncReadout

# Called after each step: steps done, of how many, and the seconds that are left.
OnStep = Callable[[int, int, float], None]

_LOOK = 512  # pixels of a film's shorter side that are read, where the model itself does not see more


class JobCancelled(Exception):  # noqa: N818 - like GenerationCancelled, it is no error
    """The work was stopped because somebody asked for it."""


@dataclass(frozen=True)
class Job:
    """What a person wants, as words and paths.

    Attributes:
        task: what is made.
        prompt, audio_prompt, transcript: what is seen, heard and said; empty means nothing.
        word_times: when each word is said, see :func:`~harmony.session.word_times.parse_word_times`; empty means that
            the seed decides.
        reference_audio: a file with a voice, used from ``reference_start`` seconds on; ``None`` finds the best part.
        image: a picture file, the first frame.
        audio, video: the file that drives the clip.
        start, duration: the part of that file that is used, in seconds; by default as much as a clip holds. Where
            nothing drives the clip ``duration`` is its length, by default the model's own.
        knobs: guidance. steps: ``None`` is the checkpoint's own choice.
        seed: of the noise.
        attention: also draw where the sound looks.
        readout: also measure on the clip how well picture and sound fit.
    """

    task: Task = "joint"
    prompt: str = ""
    audio_prompt: str = ""
    transcript: str = ""
    word_times: str = ""
    reference_audio: str | None = None
    reference_start: float | None = None
    image: str | None = None
    audio: str | None = None
    video: str | None = None
    start: float = 0.0
    duration: float | None = None
    knobs: Knobs = field(default_factory=Knobs)
    steps: int | None = None
    seed: int = 0
    attention: bool = False
    readout: bool = False

    @property
    def driver(self) -> str | None:
        """The file that drives the clip."""
        return self.audio or self.video

    def guidance(self, pipe: HarmonyPipeline) -> GuidanceConfig:
        return self.knobs.applied_to(pipe.guidance)

    def num_passes(self, pipe: HarmonyPipeline) -> int:
        """Forward passes of the model: what the job costs."""
        guidance = self.guidance(pipe)
        made = dict(video=self.task != "video_to_audio", audio=self.task != "audio_to_video")
        return num_passes(guidance.terms, self.steps or guidance.num_inference_steps, **made)


@dataclass(frozen=True)
class Outcome:
    """What a job left on disk.

    Attributes:
        clip: the mp4. sound, settings: the sound alone (wav) and the request (json).
        attention_clip, attention_picture: where the sound looks, if that was asked for.
        readout, timeline: events seen and heard, and a picture of them, if that was asked for.
        job: what it was made from. seed: that was used.
        facts: short sentences about what was used and how long it took.
    """

    clip: Path
    job: Job
    seed: int
    facts: tuple[str, ...]
    sound: Path | None = None
    settings: Path | None = None
    attention_clip: Path | None = None
    attention_picture: Path | None = None
    readout: SyncReadout | None = None
    timeline: Path | None = None


def run_job(
    pipe: HarmonyPipeline,
    job: Job,
    clip: Path,
    *,
    on_step: OnStep | None = None,
    on_preview: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    companions: bool = False,
    captions: EncodedCaptions | None = None,
) -> Outcome:
    """Make the clip of a job and write it to ``clip``.

    A given sound is heard in the clip as it is; a given film keeps its pictures, copied bit for bit where the whole
    film is used.

    Args:
        pipe: the open model.
        job: what is wanted.
        clip: the mp4 to write.
        on_step: called after every step. on_preview: too, with what can be seen and heard by then.
        cancel: asked before every step; True stops the work.
        companions: also write the sound (wav) and the settings (json) beside the clip.
        captions: the job's words, where :func:`encode_job` encoded them before.

    Raises:
        ValueError: one sentence about what does not fit (MediaError for files).
        JobCancelled: if ``cancel`` said so.
    """
    from harmony.sampling import GenerationCancelled

    started = time.perf_counter()
    pipe.set_progress_bar_config(disable=True)
    given = read_job(pipe, job)
    try:
        generation = pipe(
            **given.wish,
            guidance=job.guidance(pipe),
            num_inference_steps=job.steps,
            num_frames=frames_of(pipe, job),
            output_attention=job.attention,
            captions=captions,
            callback=lambda progress: _tell(progress, on_step, on_preview),
            cancel=cancel,
        )
    except GenerationCancelled as error:
        raise JobCancelled from error
    outcome = write_job(pipe, job, given, generation, clip, companions=companions)
    seconds = time.perf_counter() - started
    facts = (*_facts(generation, given, seconds), *outside_words(pipe, given.files))
    return replace(outcome, facts=facts)


def frames_of(pipe: HarmonyPipeline, job: Job) -> int | None:
    """The clip's length, where the job says one and no track does."""
    if job.duration is None or job.driver is not None:
        return None
    return pipe.timeline.with_seconds(job.duration).num_frames


def encode_job(pipe: HarmonyPipeline, job: Job) -> EncodedCaptions:
    """The words of a job, encoded apart from its clip."""
    return pipe.encode_text(job.prompt, audio_prompt=job.audio_prompt, transcript=job.transcript)


@dataclass(frozen=True)
class JobGiven:
    """What a job gives the model.

    Attributes:
        wish: what the pipeline is called with: words, seed and what was read from files; guidance apart.
        files: the part of it that was read from files.
        part, voice: of which parts of them.
    """

    wish: dict[str, Any]
    files: dict[str, Any]
    part: Part | None
    voice: Part | None

    @property
    def words(self) -> tuple[str, ...]:
        """Which parts are used, as people read it."""
        named = ((self.part, "your file"), (self.voice, "the voice"))
        return tuple(part.words(name) for part, name in named if part is not None)


def read_job(pipe: HarmonyPipeline, job: Job) -> JobGiven:
    """Read a job's files and trim them.

    Raises:
        ValueError: one sentence about what does not fit (MediaError for files).
    """
    part, voice = used_part(pipe, job), voice_part(job)
    files = _read_files(pipe, job, part, voice)
    told = dict(prompt=job.prompt, audio_prompt=job.audio_prompt, transcript=job.transcript, seed=job.seed)
    told["schedule"] = parse_word_times(job.word_times, job.transcript)
    return JobGiven(told | files, files, part, voice)


def write_job(
    pipe: HarmonyPipeline, job: Job, given: JobGiven, generation: Generation, clip: Path, *, companions: bool = False
) -> Outcome:
    """Write the clip that was made of a job, and what the job wants beside it; see :func:`run_job`."""
    _write_clip(generation, job, given.part, clip)
    written: dict[str, Any] = {}
    if job.attention:
        drawn = write_attention(pipe, generation, clip)
        written |= dict(attention_clip=drawn.film, attention_picture=drawn.picture)
    if job.readout:
        written |= _write_readout(generation, clip)
    if companions:
        written["sound"] = generation.save(clip.with_suffix(".wav"))
        written["settings"] = clip.with_suffix(".json")
        request = generation.request.model_dump_json(exclude_none=True, indent=2)
        written["settings"].write_text(request + "\n", encoding="utf-8")
    return Outcome(clip, job, generation.seed, (), **written)


def human_sentence(error: Exception) -> str | None:
    """What a person should read about an error; ``None`` where nobody foresaw it and the log must tell."""
    if isinstance(error, JobCancelled):
        return "Cancelled."
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return "The graphics card has too little memory for this clip. Close other programs, or use no guidance."
    if isinstance(error, (ValueError, FileNotFoundError, TimeoutError)) and str(error):
        sentence = str(error).strip().splitlines()[0]
        return sentence[0].upper() + sentence[1:] + ("" if sentence[-1] in ".!?" else ".")
    return None


def _tell(progress: Progress, on_step: OnStep | None, on_preview: Callable[[Progress], None] | None) -> None:
    if on_preview is not None:
        on_preview(progress)
    if on_step is not None:
        on_step(progress.step, progress.total, progress.seconds_left)


def _read_files(pipe: HarmonyPipeline, job: Job, part: Part | None, voice: Part | None) -> dict[str, Any]:
    files: dict[str, Any] = {}
    if voice is not None:
        span = dict(start=voice.start, duration=voice.seconds)
        files["reference_audio"] = media.read_audio(job.reference_audio, **span)
    if job.image is not None:
        files["image"] = media.read_image(job.image)
    if job.audio is not None:
        files["audio"] = media.read_audio(job.audio, start=part.start, duration=part.seconds, mono=False)
    if job.video is not None:
        # The clip keeps the film's own pictures; the model only needs to look at them.
        size = _seen_size(pipe, media.probe(job.video))
        files["video"] = media.read_video(job.video, start=part.start, duration=part.seconds, size=size)
    return files


def _seen_size(pipe: HarmonyPipeline, info: media.MediaInfo) -> tuple[int, int]:
    """(height, width) of the film's middle in the model's proportions: what the model sees, no larger than need be."""
    height, width = pipe.config.height, pipe.config.width
    scale = min(info.height / height, info.width / width, max(1.0, _LOOK / min(height, width)))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _write_clip(generation: Generation, job: Job, part: Part | None, clip: Path) -> None:
    if job.task != "video_to_audio":
        generation.save(clip)
        return
    sound = (generation.waveform, generation.sample_rate)
    span = {} if part.whole else dict(start=part.start, duration=part.seconds)
    media.mux(clip, video_from=job.video, audio_from=sound, **span, metadata=generation.metadata)


def _write_readout(generation: Generation, clip: Path) -> dict[str, Any]:
    """Measure the clip, and draw what is seen and heard on one time line beside it."""
    from harmony.session.readout import read_sync
    from harmony.visualize import timeline_figure, to_image

    picture = clip.with_name(f"{clip.stem}-timeline.png")
    sound = (generation.waveform, generation.sample_rate)
    try:
        readout = read_sync(generation.frames, generation.frame_rate, *sound)
    except FileNotFoundError:  # an installation without the judges makes clips all the same
        return {}
    words = [(word.text, word.start, word.end) for word in generation.schedule or ()]
    figure = timeline_figure(
        readout.seen, readout.heard, sound[0], sample_rate=sound[1], duration=readout.duration, words=words
    )
    to_image(figure).save(picture)
    return {"readout": readout, "timeline": picture}


def _facts(generation: Generation, given: JobGiven, seconds: float) -> tuple[str, ...]:
    clip_seconds = len(generation.frames) / generation.frame_rate
    steps = generation.request.guidance.num_inference_steps
    cost = f"Seed {generation.seed} · {steps} steps · {clip_seconds:.2f} s of clip made in {seconds:.1f} s"
    return (cost, *given.words, *generation.cautions)
