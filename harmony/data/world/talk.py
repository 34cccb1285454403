"""Who says what and when: the speech of one clip, decided from its seed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harmony.data.world import sound
from harmony.data.world.chance import Chance
from harmony.data.world.speech import SpeechBank, Voice, phonemes, speech, speech_bank
from harmony.data.world.times import COUNT_WORDS
from harmony.data.world.types import Event, Scene, Split, Word
from harmony.data.world.visemes import mouth_track
from harmony.pacing import GAP, place_words

MANDARIN_SHARE = 0.2
SILENT_SHARE = 0.05
_MOST_WORDS, _LEAST_FREE = 4, 0.15  # seconds of free time that the words must leave, so that times stay irregular
_LOUDNESS = {"soft": 0.45, "medium": 1.0, "loud": 2.2}
_LOW, _HIGH = 125.0, 225.0  # Hz: below, a voice is called low; above, high
_LANGUAGE_NAMES = {"en": "english", "zh": "chinese"}
_ROOM = 0.3  # how much a room answers to a voice
_SAME_LANGUAGE = 0.8  # how often a voice's reference is in the clip's own language


@dataclass(frozen=True)
class Talk:
    """The speech of a clip: words in time, who says them, and what captions may say of it."""

    words: tuple[Word, ...]
    voice: Voice
    facts: dict[str, str]
    params: dict[str, str]

    @property
    def transcript(self) -> str | None:
        return " ".join(word.text for word in self.words) or None

    @property
    def speaker(self) -> str | None:
        return self.voice.id if self.words else None

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(Event(word.start, word.source, "word") for word in self.words)


def sample_talk(
    rng: Chance,
    *,
    duration: float,
    split: Split,
    source: int = 0,
    silent_share: float = SILENT_SHARE,
    answering: Talk | None = None,
) -> Talk:
    """Decide voice, language, words and their times; now and then nothing is said. Who is ``answering`` speaks the
    other's language with another kind of voice."""
    bank = speech_bank()
    voice = sample_voice(rng.child("voice"), bank, split, without=answering.voice.kind if answering else None)
    silent = rng.child("silence").flip(silent_share)
    language = "zh" if rng.child("language").flip(MANDARIN_SHARE) else "en"
    if answering:
        language = answering.params["language"]
    texts = () if silent else sample_texts(rng.child("words"), bank, voice, language, duration=duration, split=split)
    seconds = [bank.word(voice, text).seconds for text in texts]
    starts = place_words(seconds, duration, rng.child("times").dirichlet(len(seconds) + 1))
    words = tuple(Word(t, s, round(s + d, 6), source) for t, s, d in zip(texts, starts, seconds, strict=True))
    facts = {
        "voice": voice.kind,
        "speaker": voice.kind,
        "pitch": "low" if voice.pitch < _LOW else "high" if voice.pitch > _HIGH else "medium",
        "loudness": rng.child("loudness").choice(tuple(_LOUDNESS), weights=(1, 3, 1)),
        "language": _LANGUAGE_NAMES[language],
        "count": COUNT_WORDS[len(words)],
    }
    return Talk(words, voice, facts, {"bank": bank.name, "language": language})


def sample_voice(rng: Chance, bank: SpeechBank, split: Split, *, without: str | None = None) -> Voice:
    """A voice of the split; men, women and children equally often, ``without`` one of these kinds."""
    kinds = sorted({voice.kind for voice in bank.voices_of(split)} - {without})
    return rng.choice(bank.voices_of(split, rng.choice(kinds)))


def sample_texts(
    rng: Chance, bank: SpeechBank, voice: Voice, language: str, *, duration: float, split: Split
) -> tuple[str, ...]:
    """1 to 4 different words that fit into the clip, in an order that belongs to the split."""
    vocabulary = bank.languages[language]
    count = rng.choice(range(1, most_words(duration) + 1))
    while count > 1:
        for _ in range(200):
            texts = tuple(rng.shuffled(vocabulary)[:count])
            needed = sum(bank.word(voice, text).seconds for text in texts) + GAP * (count + 1) + _LEAST_FREE
            if needed <= duration and split_of_order(texts) == split:
                return texts
        count -= 1  # a slow voice, or a small bank without a fitting order left
    # Where no word is short enough, placing it says so.
    short = [text for text in vocabulary if bank.word(voice, text).seconds + 2 * GAP <= duration]
    return (rng.choice(short or vocabulary),)


def most_words(duration: float) -> int:
    """How many words may be said: 4 in 2 s and more, 2 in 1 s."""
    return max(1, min(_MOST_WORDS, int(duration / 0.5)))


@lru_cache(maxsize=65536)
def split_of_order(texts: Sequence[str]) -> Split:
    """Which split may say these words in this order: a tenth is kept for val, a tenth for test."""
    share = zlib.crc32(" ".join(texts).encode()) % 10
    return {0: "val", 1: "test"}.get(share, "train")


def talk_sound(scene: Scene, num_samples: int, rate: int) -> np.ndarray:
    """The scene's speech, (num_samples,) float64; indoors the room answers."""
    if scene.speaker is None:
        return np.zeros(num_samples)
    bank = speech_bank()
    wave = speech(bank, bank.voice(scene.speaker), scene.words, num_samples=num_samples, rate=rate)
    if scene.attributes.get("place") == "indoors":
        wave = sound.room(wave, rate, amount=_ROOM)
    return _LOUDNESS[scene.attributes["loudness"]] * wave


def talk_mouth(scene: Scene, times: np.ndarray) -> np.ndarray:
    """The speaker's mouth at ``times``: (F, 3) opening, width, teeth."""
    if scene.speaker is None:
        return mouth_track((), times)
    bank = speech_bank()
    return mouth_track(phonemes(bank, bank.voice(scene.speaker), scene.words), times)


def talk_reference(
    scene: Scene, rng: Chance, *, seconds: float, same_clip: bool, rate: int = 16_000
) -> np.ndarray | None:
    """A dry sample of the scene's voice, float32 (seconds * rate,): a cut of what it says in the clip, or other words
    at other times. None where nobody speaks."""
    if scene.speaker is None:
        return None
    bank = speech_bank()
    voice, length = bank.voice(scene.speaker), round(seconds * rate)
    if same_clip:
        total = max(length, round(scene.duration * rate))
        wave = speech(bank, voice, scene.words, num_samples=total, rate=rate)
        start = _where_most_is_said(wave, length, rng)
        return wave[start : start + length].astype(np.float32)
    words = _other_words(scene, rng, bank, voice, seconds)
    last = max([seconds, *(word.end for word in words)])
    return speech(bank, voice, words, num_samples=round(last * rate) + 1, rate=rate)[:length].astype(np.float32)


def _where_most_is_said(wave: np.ndarray, length: int, rng: Chance) -> int:
    """Of a few random cuts, the one with the most speech."""
    starts = [rng.integer(len(wave) - length + 1) for _ in range(8)]
    return max(starts, key=lambda start: float(np.sum(wave[start : start + length] ** 2)))


def _other_words(scene: Scene, rng: Chance, bank: SpeechBank, voice: Voice, seconds: float) -> list[Word]:
    """Words that are not in the clip, one after the other; the last one may be cut off by the reference's end."""
    own = scene.params["language"]
    languages = sorted(bank.languages, key=lambda name: name != own)
    if not rng.flip(_SAME_LANGUAGE):
        languages.reverse()
    said = {word.text for word in scene.words}
    words, now = [], 0.0
    # The second language serves where a small bank has too few other words in the first.
    for text in (text for name in languages for text in rng.shuffled(bank.languages[name]) if text not in said):
        now += rng.uniform(0.04, 0.14)
        end = now + bank.word(voice, text).seconds
        words.append(Word(text, now, end, 0))
        now = end
        if now >= seconds:
            break
    return words
