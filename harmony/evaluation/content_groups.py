"""The figures about content: what is seen and said, who says it, where attention points, and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from harmony import media
from harmony.batch import Wish
from harmony.data.world import render_reference
from harmony.evaluation.bench import Bench, file_name
from harmony.evaluation.cases import Case
from harmony.evaluation.classifier import looks_like
from harmony.evaluation.clips import Judged, as_video, through_codecs, wish_of
from harmony.evaluation.figures import CannotMeasure, Figure, by_kind, figure_of, ratio_figure
from harmony.evaluation.metrics.shape import shape_variation
from harmony.evaluation.metrics.world_words import syllables
from harmony.evaluation.obedience import told_attributes, unseen_phrasings
from harmony.evaluation.pointing import point_at_events, sound_maps, speaker_found
from harmony.evaluation.speed import in_float32, seconds_per_clip, share_of_peak
from harmony.evaluation.voices import LineUp, SpeakerJudge, line_ups
from harmony.evaluation.words import Recogniser, english_words, wer_figure, word_errors
from harmony.visualize import contact_sheet

SHEET_CLIPS = 48
NEUTRAL = "a robot is speaking"  # says nothing of the voice: robots have any
REFERENCE_SECONDS = 2.0


def captions(bench: Bench) -> dict[str, Figure]:
    """Did the picture show the caption's scene, and those attributes that the caption tells? True clips beside it."""
    cases, made = [*bench.cases, *bench.face_cases], bench.joint_and_faces()
    true = [Judged(clip.frames, clip.waveform) for clip in (case.clip(bench.timeline) for case in cases)]
    guesses, ceiling = _guesses(bench, made), _guesses(bench, true)
    told = [told_attributes(case.scene, case.captions.video, guesses[0]) for case in cases]
    scene, scene_true = (
        [float(guess["kind"] == looks_like(case.kind)) for case, guess in zip(cases, some, strict=True)]
        for some in (guesses, ceiling)
    )
    right, right_true = (
        [sum(guess[name] == value for name, value in t.items()) for t, guess in zip(told, some, strict=True)]
        for some in (guesses, ceiling)
    )
    kinds, totals = [case.kind for case in cases], [len(t) for t in told]
    return {
        "scene_accuracy": figure_of(
            scene,
            by_kind=by_kind(scene, kinds),
            true_clips=float(np.mean(scene_true)),
            true_by_kind=by_kind(scene_true, kinds),
        ),
        "attribute_accuracy": ratio_figure(
            right,
            totals,
            by_attribute=_by_attribute(told, guesses),
            true_clips=round(sum(right_true) / max(1, sum(totals)), 4),
        ),
    }


def _by_attribute(told: Sequence[dict[str, str]], guesses: Sequence[dict[str, str]]) -> dict[str, float]:
    names = [name for t in told for name in t]
    hits = [float(guess[name] == value) for t, guess in zip(told, guesses, strict=True) for name, value in t.items()]
    return by_kind(hits, names)


def shape(bench: Bench) -> dict[str, Figure]:
    """How much the moving part varies in area and roundness, made clips over true clips after the codec."""
    made = [shape_variation(clip.frames) for clip in bench.clips("joint", "joint")]
    true = [
        shape_variation(through_codecs(bench.pipe, Judged(clip.frames, clip.waveform)).frames)
        for clip in bench.true_clips
    ]
    pairs = [(m, t, kind) for m, t, kind in zip(made, true, bench.kinds_of_cases, strict=True) if m and t]
    if not pairs:
        raise CannotMeasure("hardly anything moves in these clips")
    kinds = [kind for *_, kind in pairs]
    return {
        f"shape_{name}": ratio_figure(
            [getattr(m, name) for m, *_ in pairs], [getattr(t, name) for _, t, _ in pairs], kinds=kinds
        )
        for name in ("area", "roundness")
    }


def phrasings(bench: Bench) -> dict[str, Figure]:
    """Phrasings written by hand: the mean share of what one says (kind, colour, ...) that is seen."""
    asked = [phrasing for phrasing in unseen_phrasings() if phrasing.kind in bench.kinds]
    if not asked:
        raise CannotMeasure("no hand-written phrasing asks for one of these kinds of scenes")
    wishes = [
        (f"{k:02d}-{phrasing.kind}", lambda p=phrasing, k=k: dict(prompt=p.text, transcript=p.transcript, seed=k))
        for k, phrasing in enumerate(asked)
    ]
    guesses = _guesses(bench, bench.wished("unseen-phrasings", wishes))
    pairs = list(zip(asked, guesses, strict=True))
    shares = [np.mean([guess.get(n) == v for n, v in p.wanted.items()]) for p, guess in pairs]
    kind = float(np.mean([guess["kind"] == looks_like(p.kind) for p, guess in pairs]))
    return {"unseen_phrasing_accuracy": figure_of(shares, kind_alone=kind)}


def _guesses(bench: Bench, clips: Sequence[Judged]) -> list[dict[str, str]]:
    return [bench.judges.scene.predict(as_video(clip.frames[None]))[0] for clip in clips]


def attention(bench: Bench) -> dict[str, Figure]:
    """Where the sound of true clips looks, against their true source masks; made without guidance."""
    wishes = [wish_of(case, "video_to_audio", bench.timeline) for case in bench.cases]
    guidance = replace(bench.pipe.guidance, terms=())
    looks = sound_maps(bench.pipe, wishes, guidance, batch_size=bench.batch_size)
    judged = [point_at_events(map_, clip, bench.timeline) for map_, clip in zip(looks, bench.true_clips, strict=True)]
    totals = [len(results) for results in judged]
    hits = [sum(result.hit for result in results) for results in judged]
    centre = [sum(result.centre_hit for result in results) for results in judged]
    kinds = bench.kinds_of_cases
    return {
        "attention_pointing": ratio_figure(hits, totals, kinds=kinds),
        "attention_pointing_centre": ratio_figure(centre, totals, kinds=kinds),
    }


def active_speaker(bench: Bench) -> dict[str, Figure]:
    """The speaking one of two faces: which one the voice looks at, in true clips."""
    cases = [case for case in bench.face_cases if case.kind == "two_faces"]
    if not cases:
        raise CannotMeasure("none of the requests shows two faces")
    wishes = [wish_of(case, "video_to_audio", bench.timeline) for case in cases]
    looks = sound_maps(bench.pipe, wishes, replace(bench.pipe.guidance, terms=()), batch_size=bench.batch_size)
    true = [case.clip(bench.timeline) for case in cases]
    found = [float(speaker_found(map_, clip, bench.timeline)) for map_, clip in zip(looks, true, strict=True)]
    return {"active_speaker": figure_of(found)}


def words(bench: Bench) -> dict[str, Figure]:
    """Word errors in joint clips, in true clips after the codec, and in true clips."""
    english = [k for k, case in enumerate(bench.face_cases) if case.scene.attributes["language"] == "english"]
    if not english:
        raise CannotMeasure("in none of the requests somebody speaks English")
    recogniser = Recogniser(english_words())
    cases = [bench.face_cases[k] for k in english]
    made = bench.clips("faces", "joint", cases=bench.face_cases)
    true = [Judged(clip.frames, clip.waveform) for clip in (case.clip(bench.timeline) for case in cases)]
    sets = {
        "wer_joint": [made[k] for k in english],
        "wer_codec": [through_codecs(bench.pipe, clip) for clip in true],
        "wer_true": true,
    }
    wanted, kinds = [case.scene.transcript.split() for case in cases], [case.kind for case in cases]
    return {
        name: wer_figure([recogniser.words(clip.waveform) for clip in clips], wanted, kinds=kinds)
        for name, clips in sets.items()
    }


def own_words(bench: Bench) -> dict[str, Figure | str]:
    """Word errors heard by our own recogniser, in both languages, and the Mandarin syllables that are right."""
    if not bench.face_cases:
        raise CannotMeasure("in none of the requests somebody speaks")
    made = bench.clips("faces", "joint", cases=bench.face_cases)
    true = [Judged(clip.frames, clip.waveform) for clip in (case.clip(bench.timeline) for case in bench.face_cases)]
    sets = {"joint": made, "codec": [through_codecs(bench.pipe, clip) for clip in true], "true": true}
    said = {name: [bench.judges.words.words(as_batch(clip))[0] for clip in clips] for name, clips in sets.items()}
    wanted, kinds = (
        [case.scene.transcript.split() for case in bench.face_cases],
        [case.kind for case in bench.face_cases],
    )
    found: dict[str, Figure | str] = {
        f"own_wer_{name}": wer_figure(heard, wanted, kinds=kinds) for name, heard in said.items()
    }
    chinese = [k for k, case in enumerate(bench.face_cases) if case.scene.attributes["language"] == "chinese"]
    if not chinese:
        return found | {"mandarin_syllables": "in none of the requests somebody speaks Mandarin"}
    right = {
        name: _syllables_right([heard[k] for k in chinese], [wanted[k] for k in chinese])
        for name, heard in said.items()
    }
    found["mandarin_syllables"] = replace(
        right["joint"], details={"codec": right["codec"].value, "true": right["true"].value}
    )
    return found


def _syllables_right(said: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]) -> Figure:
    """One less the errors in syllables over all syllables wanted."""
    wanted_parts = [syllables(words) for words in wanted]
    errors = [word_errors(syllables(s), w) for s, w in zip(said, wanted_parts, strict=True)]
    totals = [len(parts) for parts in wanted_parts]
    return ratio_figure([total - error for total, error in zip(totals, errors, strict=True)], totals)


def as_batch(clip: Judged) -> Tensor:
    """A clip's sound as (1, S)."""
    return torch.from_numpy(clip.waveform).float()[None]


def voices(bench: Bench) -> dict[str, Figure]:
    """The reference's speaker among five held-out voices of one kind, under a caption that does not tell the voice."""
    judge = SpeakerJudge()
    choices = line_ups(judge)
    of_voice = {voice: line_up for line_up in choices.values() for voice in line_up.voices}
    faces = bench.frozen([kind for kind in bench.kinds if kind == "face"], times=4)
    cases = [case for case in faces if case.scene.speaker in of_voice][: 2 * bench.per_kind]
    if not cases:
        raise CannotMeasure("none of the requests is spoken by one of the voices to choose from")
    return {
        "voice_top1_of_5": _voice_figure(bench, "voice-with-reference", cases, judge, of_voice),
        "voice_top1_without": _voice_figure(bench, "voice-without", cases, judge, of_voice),
    }


def _voice_figure(
    bench: Bench, name: str, cases: Sequence[Case], judge: SpeakerJudge, of_voice: dict[str, LineUp]
) -> Figure:
    def wish(case: Case) -> Wish:
        told = dict(prompt=NEUTRAL, transcript=case.scene.transcript, seed=20_000 + case.seed)
        if name == "voice-without":
            return told
        voice = render_reference(case.scene, case.seed, seconds=REFERENCE_SECONDS, same_clip=False)
        return told | dict(reference_audio=(voice, 16_000))

    clips = bench.wished(name, [(file_name(c), lambda c=c: wish(c)) for c in cases])
    speakers = [case.scene.speaker for case in cases]
    picks = [of_voice[s].pick(judge.embed(clip.waveform)) for s, clip in zip(speakers, clips, strict=True)]
    hits = [float(pick == speaker) for pick, speaker in zip(picks, speakers, strict=True)]
    return figure_of(hits, by_kind=by_kind(hits, [of_voice[s].kind for s in speakers]))


def sheet(bench: Bench) -> dict[str, Figure]:
    """A picture of 48 joint clips, kinds in turn; it has no figure of its own."""
    pool = list(zip([*bench.cases, *bench.face_cases], bench.joint_and_faces(), strict=True))
    pool.sort(key=lambda pair: pair[0].seed)  # the first of every kind, then the second of every kind
    chosen = sorted(pool[:SHEET_CLIPS], key=lambda pair: pair[0].name)
    frames = [media.read_video(clip.path)[0] for _, clip in chosen]
    captions = [f"{case.kind}: {case.captions.video}" for case, _ in chosen]
    pictures: Image.Image = contact_sheet(frames, captions, height=72)
    bench.sheet.parent.mkdir(parents=True, exist_ok=True)
    pictures.quantize(256, dither=Image.Dither.NONE).save(bench.sheet, optimize=True)  # a quarter of the size
    return {}


def speed(bench: Bench) -> dict[str, Figure]:
    """Seconds of one clip, guided and not, and in float32; the share of the machine's rate of matrix products."""
    guided = seconds_per_clip(bench.pipe)
    return {
        "seconds_guided": guided,
        "seconds_unguided": seconds_per_clip(bench.pipe, terms=()),
        "seconds_guided_fp32": seconds_per_clip(in_float32(bench.pipe), runs=3),
        "share_of_peak": share_of_peak(bench.pipe, guided),
    }
