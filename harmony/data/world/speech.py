"""The speech bank: many voices saying single words, and putting them together into a clip's speech.

A bank is a folder with ``index.json`` and FLAC files::

    {"format": 1, "name": "full", "sample_rate": 16000, "source": "...",
     "languages": {"en": ["hello", ...], "zh": {"你好": "ni3hao3", ...}},
     "voices": [{"id": "train-woman-03", "split": "train", "kind": "woman", "pitch_hz": 201.5, "formant": 1.1,
                 "file": "train-woman-03.flac",
                 "words": {"hello": [first sample, end sample, [["h", 0], ["ə", 51], ...]], ...}}]}

The numbers behind the phonemes are milliseconds from the word's beginning. The full bank is built once
(``python tools/speech/make_bank.py``) into the cache; where it is missing, a small one that comes with the project
serves. The small bank's words are samples of the full one, so scenes of the small bank render with either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from harmony.data.home import cache_home
from harmony.data.world.types import Split, Word
from harmony.data.world.visemes import TimedPhoneme

MINI_BANK = Path(__file__).resolve().parents[3] / "assets" / "speech-mini"
_FORMAT = 1
_BUILD = "build the full bank with 'python tools/speech/make_bank.py', or set HARMONY_CACHE to where it is"


@dataclass(frozen=True)
class Utterance:
    """One word as one voice says it: where its samples are, and its sounds from the word's beginning on."""

    text: str
    first: int
    end: int
    seconds: float
    phonemes: tuple[TimedPhoneme, ...]


@dataclass(frozen=True)
class Voice:
    """A speaker.

    Attributes:
        id: e.g. "train-woman-03".
        split: the only split whose scenes use it.
        kind: "man", "woman" or "child".
        pitch: median, in Hz.
        formant: scale of the formants; 1 is an adult man's.
        words: by text, hanzi for Mandarin.
    """

    id: str
    split: Split
    kind: str
    pitch: float
    formant: float
    file: Path
    words: Mapping[str, Utterance]


class SpeechBank:
    """Voices and their words.

    Attributes:
        name: "full" or "mini".
        rate: samples per second.
        languages: language ("en", "zh") to its words in the bank's order.
        voices: by id.
    """

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        if index.get("format") != _FORMAT:
            raise ValueError(f"the speech bank in '{folder}' is of another version; {_BUILD}")
        self.name: str = index["name"]
        self.rate: int = index["sample_rate"]
        self.languages: dict[str, list[str]] = {name: list(words) for name, words in index["languages"].items()}
        self.voices = {entry["id"]: _voice(entry, folder, self.rate) for entry in index["voices"]}

    def voice(self, name: str) -> Voice:
        """Raises ``ValueError`` if the bank lacks this voice."""
        if name not in self.voices:
            raise ValueError(f"the voice '{name}' is not in the speech bank '{self.name}'; {_BUILD}")
        return self.voices[name]

    def voices_of(self, split: Split, kind: str | None = None) -> list[Voice]:
        """The voices of a split, of one kind or all."""
        return [v for v in self.voices.values() if v.split == split and kind in (None, v.kind)]

    def word(self, voice: Voice, text: str) -> Utterance:
        """Raises ``ValueError`` if the voice cannot say it."""
        if text not in voice.words:
            raise ValueError(f"the voice '{voice.id}' of the speech bank '{self.name}' cannot say '{text}'; {_BUILD}")
        return voice.words[text]

    def samples(self, voice: Voice, text: str) -> np.ndarray:
        """What ``voice`` sounds like saying ``text``, float32 at the bank's rate; every word is about equally loud."""
        word = self.word(voice, text)
        return _sound_of(voice.file)[word.first : word.end].astype(np.float32) / 32768


def speech_bank() -> SpeechBank:
    """The full bank if it is in the cache, else the small one."""
    full = cache_home() / "speech"
    return _load(full if (full / "index.json").exists() else MINI_BANK)


def speech(bank: SpeechBank, voice: Voice, words: Iterable[Word], *, num_samples: int, rate: int) -> np.ndarray:
    """``words`` said by ``voice`` at their times in otherwise silent sound: float64 (num_samples,).

    Raises:
        ValueError: if the voice cannot say a word or a word does not lie inside the sound.
    """
    track = np.zeros(num_samples)
    for word in words:
        wave = bank.samples(voice, word.text)
        if rate != bank.rate:
            wave = resample_poly(wave, rate, bank.rate)
        start = round(word.start * rate)
        if start < 0 or start + len(wave) > num_samples + 1:
            raise ValueError(f"the word '{word.text}' at {word.start:.2f} s does not fit into the clip")
        track[start : start + len(wave)] += wave[: num_samples - start]
    return track


def phonemes(bank: SpeechBank, voice: Voice, words: Iterable[Word]) -> list[tuple[TimedPhoneme, ...]]:
    """For each word its sounds, in the clip's seconds."""
    return [
        tuple(TimedPhoneme(p.name, word.start + p.start, word.start + p.end) for p in spoken.phonemes)
        for word in words
        for spoken in (bank.word(voice, word.text),)
    ]


def _voice(entry: Mapping, folder: Path, rate: int) -> Voice:
    words = {}
    for text, (first, end, sounds) in entry["words"].items():
        seconds = (end - first) / rate
        starts = [ms / 1000 for _, ms in sounds] + [seconds]
        timed = (TimedPhoneme(name, a, b) for (name, _), a, b in zip(sounds, starts, starts[1:], strict=False))
        words[text] = Utterance(text, first, end, seconds, tuple(timed))
    return Voice(
        entry["id"], entry["split"], entry["kind"], entry["pitch_hz"], entry["formant"], folder / entry["file"], words
    )


@lru_cache(maxsize=4)
def _load(folder: Path) -> SpeechBank:
    return SpeechBank(folder)


@lru_cache(maxsize=128)
def _sound_of(file: Path) -> np.ndarray:
    return soundfile.read(file, dtype="int16")[0]
