"""Measures of the real world, by the public evaluators that the paper uses. Each needs packages and weights of its own
(``pip install 'harmony[outside]'``); one that is missing says so in the report."""

from __future__ import annotations

from collections.abc import Sequence

from harmony.evaluation.clips import SAMPLE_RATE
from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.harmony_bench.cases import BenchCase
from harmony.evaluation.harmony_bench.meters import Measure, Meter, Parts, Taken, Tools
from harmony.evaluation.metrics.aesthetics import Aesthetics, ImageQuality
from harmony.evaluation.metrics.audiobox import AudioBox
from harmony.evaluation.metrics.imagebind import ImageBind
from harmony.evaluation.metrics.synchformer import DeSync
from harmony.evaluation.metrics.whisper import Whisper, units
from harmony.evaluation.words import word_errors

DESYNC = Measure(
    "synchformer", "DeSync (s), Synchformer", "lower", "size of the offset that Synchformer hears and sees"
)
FACE_SYNC_C = Measure("face_sync_c", "Sync-C, published", "higher", "of the published SyncNet, on faces")
FACE_SYNC_D = Measure("face_sync_d", "Sync-D, published", "lower", "of the published SyncNet, on faces")
IB = Measure("ib", "IB", "higher", "ImageBind's cosine of picture and sound")
IB_A = Measure("ib_a", "IB-A", "higher", "ImageBind's cosine of sound and its caption")
WER = Measure("whisper", "WER, Whisper", "lower", "errors in words, in Chinese in characters, of Whisper large v3")
IQ = Measure("iq", "IQ", "higher", "MUSIQ, mean over frames")
AQ = Measure("aq", "AQ", "higher", "aesthetic predictor v2.5, mean over frames")
SOUND = (
    Measure("pq", "PQ", "higher", "AudioBox-Aesthetics: production quality"),
    Measure("pc", "PC", "lower", "AudioBox-Aesthetics: production complexity"),
    Measure("ce", "CE", "higher", "AudioBox-Aesthetics: content enjoyment"),
    Measure("cu", "CU", "higher", "AudioBox-Aesthetics: content usefulness"),
)


def outside(case: BenchCase) -> bool:
    return case.world is None


def speaks(case: BenchCase) -> bool:
    return outside(case) and case.transcript is not None


def sounds_beside_speech(case: BenchCase) -> bool:
    """The paper's DeSync is of ambient and complex scenes."""
    return outside(case) and case.subset != "speech"


def _desync(tools: Tools, clip: Taken) -> Sequence[Parts]:
    judge = tools.open(DeSync, device=tools.device)
    rates = dict(frame_rate=clip.timeline.frame_rate, sample_rate=SAMPLE_RATE)
    return [(judge.score(clip.frames, clip.waveform, **rates), 1)]


def _face_sync(tools: Tools, clip: Taken) -> Sequence[Parts]:
    raise CannotMeasure(
        "the published SyncNet judges crops of one face and nothing here looks for faces; "
        "crop them and call harmony.evaluation.metrics.published_syncnet"
    )


def _imagebind(tools: Tools, clip: Taken) -> Sequence[Parts]:
    judge = tools.open(ImageBind, device=tools.device)
    rates = dict(frame_rate=clip.timeline.frame_rate, sample_rate=SAMPLE_RATE)
    together = judge.picture_sound(clip.frames, clip.waveform, **rates)
    return (together, 1), (judge.sound_text(clip.waveform, clip.case.audio_prompt, sample_rate=SAMPLE_RATE), 1)


def _whisper(tools: Tools, clip: Taken) -> Sequence[Parts]:
    language = clip.case.language
    said = tools.open(Whisper, device=tools.device).transcript(
        clip.waveform, sample_rate=SAMPLE_RATE, language=language
    )
    wanted = units(clip.case.transcript, language=language)
    return [(word_errors(units(said, language=language), wanted), len(wanted))]


def _image_quality(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(tools.open(ImageQuality, device=tools.device).score(clip.frames), 1)]


def _aesthetics(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(tools.open(Aesthetics, device=tools.device).score(clip.frames), 1)]


def _audiobox(tools: Tools, clip: Taken) -> Sequence[Parts]:
    found = tools.open(AudioBox, device=tools.device).score(clip.waveform, sample_rate=SAMPLE_RATE)
    return [(value, 1) for value in (found.quality, found.complexity, found.enjoyment, found.usefulness)]


METERS = (
    Meter((DESYNC,), sounds_beside_speech, _desync),
    Meter((FACE_SYNC_C, FACE_SYNC_D), speaks, _face_sync),
    Meter((IB, IB_A), outside, _imagebind),
    Meter((WER,), speaks, _whisper),
    Meter((IQ,), outside, _image_quality),
    Meter((AQ,), outside, _aesthetics),
    Meter(SOUND, outside, _audiobox),
)
