"""What is measured on one clip, each as a part and a total, so that a set's figure is all parts over all totals.

A mean is a ratio whose totals are 1; word errors count per word, and F1 is twice the hits over all events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from harmony.data.world import EVENT_KINDS
from harmony.evaluation.bench import JUDGES, Judges
from harmony.evaluation.cases import FACES
from harmony.evaluation.clips import SAMPLE_RATE, Judged, as_video
from harmony.evaluation.events import match_events
from harmony.evaluation.faces import lips_of
from harmony.evaluation.figures import CannotMeasure, event_contrast
from harmony.evaluation.harmony_bench.cases import BenchCase
from harmony.evaluation.metrics.av_align import av_align
from harmony.evaluation.metrics.loudness import loudness
from harmony.evaluation.metrics.motion import dynamic_degree, flicker
from harmony.evaluation.metrics.speech_quality import speech_quality
from harmony.evaluation.obedience import told_attributes
from harmony.evaluation.voices import SpeakerJudge
from harmony.evaluation.words import Recogniser, english_words, word_errors
from harmony.timeline import Timeline

Parts = tuple[float, float]  # part, total


@dataclass(frozen=True)
class Measure:
    """How a figure is named, and which way is better."""

    name: str
    label: str
    better: Literal["higher", "lower", ""]
    about: str


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("sync_c", "Sync-C", "higher", "lead of the best shift over the median of all, by our own SyncNet"),
        Measure("sync_d", "Sync-D", "lower", "distance of picture and sound at the best shift, by our own SyncNet"),
        Measure("desync", "DeSync (s)", "lower", "how far the best shift is from none, by our own SyncNet"),
        Measure("event_f1", "event F1", "higher", "events heard at the times of events seen, by our own detectors"),
        Measure("contrast", "event contrast", "", "how strongly the picture changes at the events seen in it"),
        Measure("av_align", "AV-Align", "higher", "onsets at peaks of the optical flow, over all of both"),
        Measure("lips", "mouth and voice", "higher", "correlation of the mouth's opening and the voice's energy"),
        Measure("wer", "WER", "lower", "word errors of PocketSphinx over the words asked for, English only"),
        Measure("voice", "voice similarity", "higher", "cosine to the reference's speaker embedding, by Resemblyzer"),
        Measure("dnsmos", "DNSMOS", "higher", "predicted opinion of the speech, 1 to 5"),
        Measure("loudness", "loudness (LUFS)", "", "after ITU-R BS.1770"),
        Measure(
            "scene", "scene shown", "higher", "the picture shows the caption's kind of scene, by our own classifier"
        ),
        Measure("attributes", "attributes shown", "higher", "of those that the caption tells, by our own classifier"),
        Measure("sound_scene", "scene heard", "higher", "the sound is of the caption's kind of scene"),
        Measure(
            "identity", "identity", "higher", "cosine of later frames to the first, by our own classifier's features"
        ),
        Measure("dynamic", "motion", "", "mean optical flow a frame, as a share of the picture's side"),
        Measure("flicker", "flicker", "lower", "change a frame where the picture stands still, in 255ths"),
    )
}


@dataclass(frozen=True)
class Taken:
    """One clip of a case as its file holds it."""

    case: BenchCase
    frames: np.ndarray  # uint8 (F, H, W, 3)
    waveform: np.ndarray  # (S,) at 16 kHz
    timeline: Timeline

    @property
    def judged(self) -> Judged:
        return Judged(self.frames, self.waveform)


class Tools:
    """The networks and packages that measure, opened when they are first needed.

    Args:
        judges: folder of our own.
    """

    def __init__(self, judges: Path = JUDGES) -> None:
        self._folder = judges

    @cached_property
    def fingerprint(self) -> str:
        """Of our own judges' weights and of what is measured: what others found must not pass for what these would."""
        digest = hashlib.sha256(" ".join(MEASURES).encode())
        for path in sorted(self._folder.rglob("*.safetensors")):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:12]

    @cached_property
    def judges(self) -> Judges:
        return Judges.load(self._folder)

    @cached_property
    def recogniser(self) -> Recogniser:
        return Recogniser(english_words())

    @cached_property
    def speakers(self) -> SpeakerJudge:
        return SpeakerJudge()


@dataclass(frozen=True)
class Meter:
    """Measures that are taken together.

    Attributes:
        names: what it gives.
        fits: whether it says anything about a case.
        take: gives the parts and totals; raises ``CannotMeasure`` where it cannot.
    """

    names: tuple[str, ...]
    fits: Callable[[BenchCase], bool]
    take: Callable[[Tools, Taken], Sequence[Parts]]


def measure_clip(tools: Tools, clip: Taken) -> tuple[dict[str, Parts], dict[str, str]]:
    """All measures that say something about the clip's case, and the reasons for those that cannot be taken."""
    found: dict[str, Parts] = {}
    missing: dict[str, str] = {}
    for meter in METERS:
        if not meter.fits(clip.case):
            continue
        try:
            found |= dict(zip(meter.names, meter.take(tools, clip), strict=True))
        except CannotMeasure as reason:
            missing |= dict.fromkeys(meter.names, str(reason))
    return found, missing


def embeddings(tools: Tools, clip: Taken) -> dict[str, list[float]]:
    """What Fréchet distances are taken on: the classifiers' features of the picture and of the sound."""
    with torch.no_grad():
        picture = tools.judges.scene.embed(as_video(clip.frames[None]))[0]
        sound = tools.judges.sound.embed(torch.from_numpy(clip.waveform).float()[None])[0]
    return {"picture": _short(picture), "sound": _short(sound)}


def _short(features: torch.Tensor) -> list[float]:
    return [round(float(value), 4) for value in features]


# -- which cases ---------------------------------------------------------------------------------


def in_world(case: BenchCase) -> bool:
    return case.world is not None


def something_happens(case: BenchCase) -> bool:
    """Rain, waves and an engine have no moment at which sound and picture meet."""
    return in_world(case) and (case.kind in EVENT_KINDS or case.transcript is not None)


def has_events(case: BenchCase) -> bool:
    return in_world(case) and case.kind in EVENT_KINDS and case.kind not in FACES


def speaks(case: BenchCase) -> bool:
    return case.transcript is not None


def always(case: BenchCase) -> bool:
    return True


# -- how ------------------------------------------------------------------------------------------


def _sync(tools: Tools, clip: Taken) -> Sequence[Parts]:
    score = tools.judges.sync.score_clip(clip.frames, clip.waveform)
    return (score.confidence, 1), (score.distance, 1), (abs(score.offset) / clip.timeline.frame_rate, 1)


def _events(tools: Tools, clip: Taken) -> Sequence[Parts]:
    seen = tools.judges.seen.events(as_video(clip.frames[None]))[0]
    heard = tools.judges.heard.events(torch.from_numpy(clip.waveform)[None])[0]
    counts = match_events(heard, seen)
    contrast = event_contrast(clip.frames, seen, frame_rate=clip.timeline.frame_rate)
    return (2 * counts.hits, counts.found + counts.true), (contrast, float(bool(seen)))


def _av_align(tools: Tools, clip: Taken) -> Sequence[Parts]:
    rates = dict(frame_rate=clip.timeline.frame_rate, sample_rate=SAMPLE_RATE)
    return [(av_align(clip.frames, clip.waveform, **rates), 1)]


def _lips(tools: Tools, clip: Taken) -> Sequence[Parts]:
    true = clip.case.true_clip(clip.timeline)
    return [(lips_of(clip.frames, clip.waveform, true=true, timeline=clip.timeline).correlation, 1)]


def _wer(tools: Tools, clip: Taken) -> Sequence[Parts]:
    if clip.case.language != "en":
        raise CannotMeasure("PocketSphinx understands English only")
    wanted = clip.case.transcript.split()
    return [(word_errors(tools.recogniser.words(clip.waveform), wanted), len(wanted))]


def _voice(tools: Tools, clip: Taken) -> Sequence[Parts]:
    sample, _ = clip.case.voice()
    try:
        return [(float(tools.speakers.embed(clip.waveform) @ tools.speakers.embed(sample)), 1)]
    except ValueError as error:  # the package finds no speech in it
        raise CannotMeasure(f"Resemblyzer cannot embed a voice ({error})") from error


def _dnsmos(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(speech_quality(clip.waveform).overall, 1)]


def _loudness(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(loudness(clip.waveform, sample_rate=SAMPLE_RATE), 1)]


def _obedience(tools: Tools, clip: Taken) -> Sequence[Parts]:
    guess = tools.judges.scene.predict(as_video(clip.frames[None]))[0]
    told = told_attributes(clip.case.world, clip.case.prompt, guess)
    right = sum(guess[name] == value for name, value in told.items())
    return (float(guess["kind"] == clip.case.kind), 1), (right, len(told))


def _sound_scene(tools: Tools, clip: Taken) -> Sequence[Parts]:
    heard = tools.judges.sound.predict(torch.from_numpy(clip.waveform).float()[None])[0]
    # How many faces there are cannot be heard.
    alike = {"two_faces": "face"}
    return [(float(alike.get(heard, heard) == alike.get(clip.case.kind, clip.case.kind)), 1)]


def _identity(tools: Tools, clip: Taken) -> Sequence[Parts]:
    scene = tools.judges.scene
    shown = clip.frames[scene.chosen_frames(len(clip.frames)).tolist()]
    still = as_video(np.repeat(shown[:, None], scene.config.num_frames, axis=1))  # (frames, num_frames, 3, H, W)
    with torch.no_grad():
        features = torch.nn.functional.normalize(scene.embed(still), dim=-1)
    return [(float((features[1:] @ features[0]).mean()), 1)]


def _motion(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(dynamic_degree(clip.frames), 1)]


def _flicker(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(flicker(clip.frames), 1)]


METERS = (
    Meter(("sync_c", "sync_d", "desync"), something_happens, _sync),
    Meter(("event_f1", "contrast"), has_events, _events),
    Meter(("av_align",), always, _av_align),
    Meter(("lips",), lambda case: in_world(case) and speaks(case), _lips),
    Meter(("wer",), lambda case: in_world(case) and speaks(case), _wer),
    Meter(("voice",), lambda case: case.reference is not None, _voice),
    Meter(("dnsmos",), lambda case: case.subset == "speech", _dnsmos),
    Meter(("loudness",), always, _loudness),
    Meter(("scene", "attributes"), in_world, _obedience),
    Meter(("sound_scene",), in_world, _sound_scene),
    Meter(("identity",), in_world, _identity),
    Meter(("dynamic",), always, _motion),
    Meter(("flicker",), always, _flicker),
)
