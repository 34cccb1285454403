"""Measures of the tiny world, by our own judges: the true scene of every case is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from harmony.data.world import EVENT_KINDS
from harmony.evaluation.cases import FACES
from harmony.evaluation.classifier import looks_like
from harmony.evaluation.clips import as_video
from harmony.evaluation.events import match_events
from harmony.evaluation.faces import lips_of
from harmony.evaluation.figures import CannotMeasure, event_contrast
from harmony.evaluation.harmony_bench.cases import BenchCase
from harmony.evaluation.harmony_bench.meters import Measure, Meter, Parts, Taken, Tools
from harmony.evaluation.obedience import told_attributes
from harmony.evaluation.voices import SpeakerJudge
from harmony.evaluation.words import Recogniser, english_words, word_errors

SYNC_C = Measure("sync_c", "Sync-C", "higher", "lead of the best shift over the median of all, by our own SyncNet")
SYNC_D = Measure("sync_d", "Sync-D", "lower", "distance of picture and sound at the best shift, by our own SyncNet")
DESYNC = Measure("desync", "DeSync (s)", "lower", "how far the best shift is from none, by our own SyncNet")
EVENT_F1 = Measure("event_f1", "event F1", "higher", "events heard at the times of events seen, by our own detectors")
CONTRAST = Measure("contrast", "event contrast", "", "how strongly the picture changes at the events seen in it")
LIPS = Measure("lips", "mouth and voice", "higher", "correlation of the mouth's opening and the voice's energy")
WER = Measure("wer", "WER", "lower", "word errors of PocketSphinx over the words asked for, English only")
OWN_WER = Measure(
    "own_wer", "WER, own", "lower", "word errors of our own recogniser of the world's words, both languages"
)
VOICE = Measure("voice", "voice similarity", "higher", "cosine to the reference's speaker embedding, by Resemblyzer")
SCENE = Measure("scene", "scene shown", "higher", "the caption's kind of scene is seen, by our own classifier")
ATTRIBUTES = Measure("attributes", "attributes shown", "higher", "of those the caption tells, by our own classifier")
SOUND_SCENE = Measure(
    "sound_scene", "scene heard", "higher", "the caption's kind of scene is heard, by our own classifier"
)
IDENTITY = Measure(
    "identity", "identity", "higher", "cosine of later frames to the first, on our classifier's features"
)


def embeddings(tools: Tools, clip: Taken) -> dict[str, list[float]]:
    """What Fréchet distances are taken on: the classifiers' features of the picture and of the sound."""
    with torch.no_grad():
        picture = tools.judges.scene.embed(as_video(clip.frames[None]))[0]
        sound = tools.judges.sound.embed(torch.from_numpy(clip.waveform).float()[None])[0]
    return {"picture": _short(picture), "sound": _short(sound)}


def _short(features: torch.Tensor) -> list[float]:
    return [round(float(value), 4) for value in features]


def in_world(case: BenchCase) -> bool:
    return case.world is not None


def something_happens(case: BenchCase) -> bool:
    """Rain, waves and an engine have no moment at which sound and picture meet."""
    return in_world(case) and (case.kind in EVENT_KINDS or case.transcript is not None)


def has_events(case: BenchCase) -> bool:
    return in_world(case) and case.kind in EVENT_KINDS and case.kind not in FACES


def speaks(case: BenchCase) -> bool:
    return in_world(case) and case.transcript is not None


def has_reference(case: BenchCase) -> bool:
    return case.reference is not None


def _sync(tools: Tools, clip: Taken) -> Sequence[Parts]:
    score = tools.judges.sync.score_clip(clip.frames, clip.waveform)
    return (score.confidence, 1), (score.distance, 1), (abs(score.offset) / clip.timeline.frame_rate, 1)


def _events(tools: Tools, clip: Taken) -> Sequence[Parts]:
    seen = tools.judges.seen.events(as_video(clip.frames[None]))[0]
    heard = tools.judges.heard.events(torch.from_numpy(clip.waveform)[None])[0]
    counts = match_events(heard, seen)
    contrast = event_contrast(clip.frames, seen, frame_rate=clip.timeline.frame_rate)
    return (2 * counts.hits, counts.found + counts.true), (contrast, float(bool(seen)))


def _lips(tools: Tools, clip: Taken) -> Sequence[Parts]:
    true = clip.case.true_clip(clip.timeline)
    return [(lips_of(clip.frames, clip.waveform, true=true, timeline=clip.timeline).correlation, 1)]


def _recogniser() -> Recogniser:
    return Recogniser(english_words())


def _wer(tools: Tools, clip: Taken) -> Sequence[Parts]:
    if clip.case.language != "en":
        raise CannotMeasure("PocketSphinx understands English only")
    wanted = clip.case.transcript.split()
    return [(word_errors(tools.open(_recogniser).words(clip.waveform), wanted), len(wanted))]


def _own_wer(tools: Tools, clip: Taken) -> Sequence[Parts]:
    said = tools.judges.words.words(torch.from_numpy(clip.waveform).float()[None])[0]
    wanted = clip.case.transcript.split()
    return [(word_errors(said, wanted), len(wanted))]


def _voice(tools: Tools, clip: Taken) -> Sequence[Parts]:
    speakers, (sample, _) = tools.open(SpeakerJudge), clip.case.voice()
    try:
        return [(float(speakers.embed(clip.waveform) @ speakers.embed(sample)), 1)]
    except ValueError as error:  # the package finds no speech in it
        raise CannotMeasure(f"Resemblyzer cannot embed a voice ({error})") from error


def _obedience(tools: Tools, clip: Taken) -> Sequence[Parts]:
    guess = tools.judges.scene.predict(as_video(clip.frames[None]))[0]
    told = told_attributes(clip.case.world, clip.case.prompt, guess)
    right = sum(guess[name] == value for name, value in told.items())
    return (float(guess["kind"] == looks_like(clip.case.kind)), 1), (right, len(told))


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
        features = F.normalize(scene.embed(still), dim=-1)
    return [(float((features[1:] @ features[0]).mean()), 1)]


METERS = (
    Meter((SYNC_C, SYNC_D, DESYNC), something_happens, _sync),
    Meter((EVENT_F1, CONTRAST), has_events, _events),
    Meter((LIPS,), speaks, _lips),
    Meter((WER,), speaks, _wer),
    Meter((OWN_WER,), speaks, _own_wer),
    Meter((VOICE,), has_reference, _voice),
    Meter((SCENE, ATTRIBUTES), in_world, _obedience),
    Meter((SOUND_SCENE,), in_world, _sound_scene),
    Meter((IDENTITY,), in_world, _identity),
)
