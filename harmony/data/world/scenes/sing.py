"""A face that sings notes, or laughs."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from harmony.data.world import sound
from harmony.data.world.backdrop import ECHOING, PLACES, paint_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import ROOMY, SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.portraits import breath_of, paint_portrait, sample_look
from harmony.data.world.portraits.phrases import PHRASES, portrait_of
from harmony.data.world.scenes.face import MIDDLE, SCALE
from harmony.data.world.thing import LOUDNESS, SILENT_SHARE
from harmony.data.world.times import COUNT_WORDS, sample_count, sample_times
from harmony.data.world.types import Draft, Event, Scene, Split

_FACE = portrait_of()
_KEYS = {"man": (98.0, 147.0), "woman": (196.0, 294.0), "child": (262.0, 370.0)}  # Hz: the lowest note of a song
_SCALE = (1.0, 9 / 8, 5 / 4, 3 / 2, 5 / 3)  # pentatonic, so that any melody sounds like one
# Resonances of an open "ah": Hz, bandwidth in Hz. Women and children have smaller heads.
_VOWEL = ((730.0, 90.0), (1090.0, 110.0), (2440.0, 160.0), (3400.0, 240.0))
_HEAD = {"man": 1.0, "woman": 1.16, "child": 1.3}
_LONGEST = {"sing": 0.55, "laugh": 0.17}  # seconds of a note, of a "ha"
_HA_GAP = (0.28, 0.34)  # seconds from "ha" to "ha"


@register
class Sing(SceneKind):
    """No words: every note is an "ah" of its own, every laugh a row of "ha". The mouth is open while it sounds."""

    name = "sing"
    group = "ambient"
    weight = 1.5
    phrasebook = Phrasebook(
        video=(
            f"{_FACE} sings {{notes_count}} [{{place}}]",
            f"{_FACE} (sings|is singing) [{{song}}] [{{place}}]",
            f"[{{place}}], {_FACE} sings {{notes_count}}",
            f"{_FACE}, singing {{song}}[, {{place}}]",
            f"we see {_FACE} (sing|singing) {{song}} [{{place}}]",
            f"(a portrait|a close-up) of {_FACE} that sings {{notes_count}} [{{place}}]",
            f"{_FACE} opens the mouth and sings {{song}} [{{place}}]",
            f"{_FACE} laughs {{laughs_count}} [{{place}}]",
            f"{_FACE} (laughs|is laughing) {{laughter}} [{{place}}]",
            f"[{{place}}], {_FACE} laughs {{laughs_count}}",
            f"{_FACE}, laughing {{laughter}}[, {{place}}]",
            f"we see {_FACE} (laugh|laughing) {{laughter}} [{{place}}]",
            f"(a portrait|a close-up) of {_FACE} that laughs {{laughs_count}} [{{place}}]",
            f"{_FACE} opens the mouth and laughs {{laughter}} [{{place}}]",
        ),
        audio=(
            "a {speaker} sings {notes_count} [{how}] [{place}]",
            "a [{pitch}] {voice} sings {song}",
            "singing, a [{pitch}] {voice}[, {song}]",
            "a {speaker} (sings|is singing) {song} [{how}]",
            "you hear a {speaker} sing {notes_count}",
            "the [{loudness}] song of a {speaker}, {song} [{place}]",
            "{notes_count} sung [{how}] by a {speaker}",
            "somebody sings {song} in a [{pitch}] voice [{place}]",
            "a {speaker} laughs {laughs_count} [{how}] [{place}]",
            "a [{pitch}] {voice} laughs {laughter}",
            "laughter of a {speaker}[, {laughs_count}] {laughter}",
            "ha ha, a {speaker} laughs {laughter} [{how}]",
            "you hear a {speaker} laugh {laughs_count}",
            "the [{loudness}] laugh of a {speaker}, {laughs_count} [{place}]",
            "somebody laughs {laughter} in a [{pitch}] voice [{place}]",
        ),
        silent_video=(
            f"{_FACE} neither sings nor laughs [{{place}}]",
            f"{_FACE} (keeps silent|is silent) and does not sing [{{place}}]",
            f"{_FACE} [{{place}}] with a closed mouth, no song",
        ),
        silent_audio=(*SILENCE, "nobody sings", "nobody laughs"),
        phrases=PHRASES
        | ROOMY
        | {
            # What is sung or laughed, said with a count and without one.
            "notes_count": {"one": ("one note", "1 note")}
            | {word: (f"{word} notes", f"{n} notes") for n, word in enumerate(COUNT_WORDS[2:], start=2)},
            "song": {"yes": ("", "a song", "a melody")},
            "laughs_count": {"one": ("once",), "two": ("twice", "two times")}
            | {word: (f"{word} times", f"{n} times") for n, word in enumerate(COUNT_WORDS[3:], start=3)},
            "laughter": {"yes": ("", "happily")},
        },
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        who = rng.child("voice").choice(tuple(_KEYS))
        laughs = rng.child("deed").flip(0.4)
        silent = rng.child("silence").flip(SILENT_SHARE)
        times = [] if silent else self._times(rng, laughs=laughs, duration=duration)
        song = rng.child("song")
        key = song.uniform(*_KEYS[who])
        pitches = (
            [key * song.choice(_SCALE) for _ in times]
            if not laughs
            else [1.5 * key * 0.94**k for k in range(len(times))]
        )
        count = COUNT_WORDS[len(times)]
        attributes = sample_look(rng.child("look"), who) | {
            "deed": "laugh" if laughs else "sing",
            "speaker": who,
            "voice": who,
            "pitch": {"man": "low", "woman": "medium", "child": "high"}[who],
            "loudness": rng.child("loudness").choice(tuple(LOUDNESS), weights=(1, 2, 1)),
            "place": rng.child("place").choice(PLACES + ECHOING),
            "count": count,
        }
        if not silent:
            attributes |= (
                {"laughs_count": count, "laughter": "yes"} if laughs else {"notes_count": count, "song": "yes"}
            )
        params = breath_of(rng.child("breath"), duration=duration)
        params |= {"frequencies": [round(pitch, 2) for pitch in pitches]}
        return Draft(attributes, params, tuple(Event(time, 0, "note") for time in times))

    @staticmethod
    def _times(rng: Chance, *, laughs: bool, duration: float) -> list[float]:
        count = sample_count(rng.child("count"), duration=duration)
        if not laughs:
            return sample_times(rng.child("times"), count=count, duration=duration)
        beat = rng.child("times")
        gap = beat.uniform(*_HA_GAP)
        first = beat.uniform(0.16, max(0.17, duration - 0.2 - (count - 1) * gap))
        return [round(first + k * gap, 6) for k in range(count)]

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        paint_place(canvas, scene.attributes["place"])
        stage = canvas.placed(0.5, MIDDLE, scale=SCALE)
        mouth = np.tile([0.0, 0.5, 0.0], (len(times), 1))
        for start, seconds in _sounding(scene):
            since = times - start
            opening = np.clip(np.minimum((since + 0.035) / 0.05, (seconds + 0.05 - since) / 0.08), 0, 1)
            mouth[:, 0] = np.maximum(mouth[:, 0], opening)
        if scene.attributes["deed"] == "laugh":
            mouth[:, 1] = 0.5 + 0.4 * (mouth[:, 0] > 0)
        return [canvas.cover(*paint_portrait(stage, scene.attributes, scene.params, mouth, times))]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        track = np.zeros(num_samples)
        looks = scene.attributes
        for (start, seconds), pitch in zip(_sounding(scene), scene.params["frequencies"], strict=True):
            wave = _ah(pitch, seconds, rate, head=_HEAD[looks["speaker"]], breathy=looks["deed"] == "laugh")
            sound.add(track, sound.answered(wave, rate, looks["place"]), start, rate, gain=LOUDNESS[looks["loudness"]])
        return track


def _sounding(scene: Scene) -> list[tuple[float, float]]:
    """When each note starts, and how long it lasts: until a little before the next one."""
    starts = [event.time for event in scene.events]
    ends = [*starts[1:], scene.duration]
    longest = _LONGEST[scene.attributes["deed"]]
    return [(start, min(longest, end - start - 0.1)) for start, end in zip(starts, ends, strict=False)]


def _ah(frequency: float, seconds: float, rate: int, *, head: float, breathy: bool) -> np.ndarray:
    """A voice on one open vowel, peak 1: a glottal pulse train with vibrato, through the resonances of the throat."""
    samples = round(seconds * rate)
    t = np.arange(samples) / rate
    drift = 1 + 0.012 * np.sin(2 * np.pi * 5.5 * t) * np.clip(t / 0.2, 0, 1) - (0.35 * t / seconds if breathy else 0)
    source = sound.glide(frequency * drift, rate, amplitudes=[1 / k**1.3 for k in range(1, 60)])
    if breathy:
        source += 1.2 * sound.noise(Chance(107), samples, rate, low=500.0) * np.exp(-t / 0.04)
    wave = sum(_resonance(source, rate, head * f, head * b) / (1 + k) for k, (f, b) in enumerate(_VOWEL))
    envelope = np.minimum(1.0, (t + 1 / rate) / 0.008) * np.clip((seconds - t) / 0.07, 0, 1)
    return sound.normalised(wave * envelope)


def _resonance(wave: np.ndarray, rate: int, frequency: float, bandwidth: float) -> np.ndarray:
    """Klatt's two-pole resonator with unit gain at 0 Hz."""
    radius = np.exp(-np.pi * bandwidth / rate)
    b, c = 2 * radius * np.cos(2 * np.pi * frequency / rate), -(radius**2)
    return lfilter([1 - b - c], [1.0, -b, -c], wave)
