"""Measures that need neither a true scene nor a big network."""

from __future__ import annotations

from collections.abc import Sequence

from harmony.evaluation.clips import SAMPLE_RATE
from harmony.evaluation.harmony_bench.cases import BenchCase
from harmony.evaluation.harmony_bench.meters import Measure, Meter, Parts, Taken, Tools
from harmony.evaluation.metrics.av_align import av_align
from harmony.evaluation.metrics.loudness import loudness
from harmony.evaluation.metrics.motion import dynamic_degree, flicker
from harmony.evaluation.metrics.speech_quality import speech_quality

AV_ALIGN = Measure("av_align", "AV-Align", "higher", "onsets at peaks of the optical flow, over all of both")
DNSMOS = Measure("dnsmos", "DNSMOS", "higher", "predicted opinion of the speech, 1 to 5")
LOUDNESS = Measure("loudness", "loudness (LUFS)", "", "after ITU-R BS.1770")
MOTION = Measure("dynamic", "motion", "", "mean optical flow a frame, as a share of the picture's side")
FLICKER = Measure("flicker", "flicker", "lower", "change a frame where the picture stands still, in 255ths")


def always(case: BenchCase) -> bool:
    return True


def speech(case: BenchCase) -> bool:
    return case.subset == "speech"


def _av_align(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(av_align(clip.frames, clip.waveform, frame_rate=clip.timeline.frame_rate, sample_rate=SAMPLE_RATE), 1)]


def _dnsmos(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(speech_quality(clip.waveform).overall, 1)]


def _loudness(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(loudness(clip.waveform, sample_rate=SAMPLE_RATE), 1)]


def _motion(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(dynamic_degree(clip.frames), 1)]


def _flicker(tools: Tools, clip: Taken) -> Sequence[Parts]:
    return [(flicker(clip.frames), 1)]


METERS = (
    Meter((AV_ALIGN,), always, _av_align),
    Meter((DNSMOS,), speech, _dnsmos),
    Meter((LOUDNESS,), always, _loudness),
    Meter((MOTION,), always, _motion),
    Meter((FLICKER,), always, _flicker),
)
