"""The figures about time: do events that are seen and events that are heard fall together?"""

from __future__ import annotations

import numpy as np

from harmony.evaluation.bench import Bench
from harmony.evaluation.clips import Judged, through_codecs
from harmony.evaluation.events import match_events
from harmony.evaluation.faces import lips_of, takes_turns
from harmony.evaluation.figures import (
    CannotMeasure,
    Figure,
    by_kind,
    event_contrast,
    figure_of,
    gain_figure,
    matched_gain_figure,
    shuffled_figure,
    sync_figure,
)


def detectors(bench: Bench) -> dict[str, Figure]:
    """Detectors on true held-out clips, and on true clips that went through the codecs."""
    true = [Judged(clip.frames, clip.waveform) for clip in bench.true_clips]
    seen, heard = bench.events(true)
    codec_seen, codec_heard = bench.events([through_codecs(bench.pipe, clip) for clip in true])
    return {
        "detector_f1_seen": sync_figure(seen, bench.true_times, bench.kinds_of_cases),
        "detector_f1_heard": sync_figure(heard, bench.true_times, bench.kinds_of_cases),
        "codec_f1": sync_figure(codec_heard, codec_seen, bench.kinds_of_cases),
    }


def driven(bench: Bench) -> dict[str, Figure]:
    """Audio-driven video and video-driven audio against the true times."""
    true, kinds = bench.true_times, bench.kinds_of_cases
    seen, _ = bench.events(bench.clips("audio-to-video", "audio_to_video"))
    _, heard = bench.events(bench.clips("video-to-audio", "video_to_audio"))
    return {
        "a2v_f1": sync_figure(seen, true, kinds),
        "a2v_f1_shuffled": shuffled_figure(seen, true, kinds),
        "v2a_f1": sync_figure(heard, true, kinds),
        "v2a_f1_shuffled": shuffled_figure(heard, true, kinds),
    }


def joint(bench: Bench) -> dict[str, Figure]:
    """Onsets heard against events seen, with the checkpoint's guidance and without SyncCFG; what SyncCFG adds.

    Text guidance stays, where the checkpoint has it, so that nothing but SyncCFG differs.
    """
    kinds = bench.kinds_of_cases
    guided, plain = bench.clips("joint", "joint"), bench.without_sync_cfg()
    (seen, heard), (seen_plain, heard_plain) = bench.events(guided), bench.events(plain)
    counts = [match_events(h, s) for h, s in zip(heard, seen, strict=True)]
    counts_plain = [match_events(h, s) for h, s in zip(heard_plain, seen_plain, strict=True)]
    contrasts = (
        [event_contrast(clip.frames, times) for clip, times in zip(guided, seen, strict=True)],
        [event_contrast(clip.frames, times) for clip, times in zip(plain, seen_plain, strict=True)],
    )
    gain = gain_figure(counts, counts_plain, kinds)
    true_count = float(np.mean([len(times) for times in bench.true_times]))
    heard_ratio = float(np.mean([len(times) for times in heard])) / true_count
    return {
        "joint_f1": sync_figure(heard, seen, kinds),
        "joint_f1_unguided": sync_figure(heard_plain, seen_plain, kinds),
        "joint_f1_shuffled": shuffled_figure(heard, seen, kinds),
        "sync_gain": gain,
        "sync_gain_low": Figure(gain.low, gain.low, gain.high, gain.clips),
        "sync_gain_low_matched": matched_gain_figure(counts, counts_plain, contrasts),
        "events_ratio": figure_of([len(times) / true_count for times in seen], heard=heard_ratio),
    }


def first_frame(bench: Bench) -> dict[str, Figure]:
    """A given first frame: is it kept, and do its clips stay in sync?"""
    clips = bench.clips("image-to-clip", "image_to_clip")
    seen, heard = bench.events(clips)
    pairs = zip(clips, bench.true_clips, strict=True)
    return {
        "first_frame_psnr": figure_of([psnr(made.frames[0], true.frames[0]) for made, true in pairs]),
        "i2v_joint_f1": sync_figure(heard, seen, bench.kinds_of_cases),
    }


def faces(bench: Bench) -> dict[str, Figure]:
    """Mouth opening against voice energy in joint clips of faces, and in the true clips beside them."""
    if not bench.face_cases:
        raise CannotMeasure("none of the requests shows a face that speaks")
    true_clips = [case.clip(bench.timeline) for case in bench.face_cases]
    results, true_results = [], []
    for made, true in zip(bench.clips("faces", "joint", cases=bench.face_cases), true_clips, strict=True):
        for clip, into in ((made, results), (true, true_results)):
            into.append(lips_of(clip.frames, clip.waveform, true=true, timeline=bench.timeline))
    hits = [float(abs(result.best_lag) <= 1) for result in results]
    kinds = [case.kind for case in bench.face_cases]
    true_hits = float(np.mean([abs(result.best_lag) <= 1 for result in true_results]))
    return {
        "face_lag_hit": figure_of(hits, by_kind=by_kind(hits, kinds), true_clips=true_hits),
        "face_correlation": figure_of([result.correlation for result in results]),
    }


def turns(bench: Bench) -> dict[str, Figure]:
    """Two faces that the true sound makes speak: does each one move its mouth in its own turn?"""
    cases = [case for case in bench.face_cases if case.kind == "dialogue"]
    if not cases:
        raise CannotMeasure("none of the requests shows two faces that speak in turn")
    clips = bench.clips("turns", "audio_to_video", cases=cases)
    true = [case.clip(bench.timeline) for case in cases]
    hits, true_hits = (
        [float(takes_turns(clip.frames, true=t, timeline=bench.timeline)) for clip, t in zip(some, true, strict=True)]
        for some in (clips, true)
    )
    return {"turns_taken": figure_of(hits, true_clips=float(np.mean(true_hits)))}


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures, in dB."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
