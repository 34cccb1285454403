# SPDX-License-Identifier: GPL-3.0-or-later
# This file drives espeak-ng (GPL-3) in its own process; it is no part of the harmony package (Apache-2.0).
"""espeak-ng through ctypes: text in, samples and phoneme times out."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader
import numpy as np

# From espeak-ng's speak_lib.h, version 1.52.
_SYNCHRONOUS, _PHONEME_EVENTS_IN_IPA = 2, 1 | 2
_RATE, _PITCH, _RANGE = 1, 3, 4
_END_OF_LIST, _PHONEME = 0, 7
_UTF8, _CHARACTERS = 1, 1


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


@dataclass(frozen=True)
class Spoken:
    """Samples (int16) and, for each phoneme, its IPA name and its start in seconds."""

    samples: np.ndarray
    phonemes: list[tuple[str, float]]


class Espeak:
    """One engine; only one can live in a process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _PHONEME_EVENTS_IN_IPA)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng did not start; install the package 'espeakng-loader'")
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self._callback = kind(self._collect)  # kept alive: the engine holds only a pointer
        self._library.espeak_SetSynthCallback(self._callback)
        self._chunks: list[np.ndarray] = []
        self._phonemes: list[tuple[str, float]] = []

    def say(self, text: str, *, language: str, variant: str, pitch: int, pitch_range: int, rate: int) -> Spoken:
        """Speak ``text``.

        Args:
            language, variant: as in "en-us" and "f3".
            pitch, pitch_range: 0 to 100; 50 is the variant's own.
            rate: words per minute, 80 to 450.

        Raises:
            ValueError: if there is no such voice.
        """
        self._chunks, self._phonemes = [], []
        if self._library.espeak_SetVoiceByName(f"{language}+{variant}".encode()) != 0:
            raise ValueError(f"espeak-ng has no voice '{language}+{variant}'")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        # The engine's noise: from a seed of its own each time, so that a word sounds the same whenever it is said.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        raw = text.encode()
        self._library.espeak_Synth(raw, len(raw) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        samples = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)
        return Spoken(samples, [(name, start) for name, start in self._phonemes if name.strip("ˈˌː")])

    def _collect(self, wave, count, events) -> int:
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _END_OF_LIST:
            event = events[index]
            if event.type == _PHONEME:
                # A name longer than 8 bytes is cut, maybe within a letter.
                self._phonemes.append((event.name.decode("utf-8", "ignore"), event.audio_position / 1000))
            index += 1
        return 0


def variants() -> list[str]:
    """All voice variants that the engine brings along, in alphabetical order."""
    return sorted(path.name for path in variant_folder().iterdir())


def variant_folder() -> Path:
    return Path(espeakng_loader.get_data_path()) / "voices" / "!v"
