"""Find a voice in a person's recording: the best one to three seconds, and what is wrong with it if something is.

Speech is where a sound is voiced and not much quieter than its loudest moments. That is plain enough to run while
somebody looks at the page, and errs on the side of saying so rather than refusing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torchaudio

from harmony.conditions import REFERENCE_SECONDS
from harmony.models.codecs.pitch import track_pitch

_RATE, _HOP = 16_000, 500  # 32 looks a second
_QUIET_DB, _BELOW_LOUDEST_DB = -40.0, 30.0
_SPEECH_SHARE = 0.3  # of the proposed part; music and noise are voiced less steadily, pauses are allowed


@dataclass(frozen=True)
class FoundVoice:
    """A part of a recording to clone a voice from.

    Attributes:
        start, stop: of the part in seconds; total: of the recording.
        problem: one sentence, ``None`` if it looks like a voice.
        usable: False if it cannot serve at all.
    """

    start: float
    stop: float
    total: float
    problem: str | None = None
    usable: bool = True

    @property
    def words(self) -> str:
        """One line for people."""
        part = f"Used: **{self.start:.2f} s to {self.stop:.2f} s** of {self.total:.2f} s."
        if not self.usable:
            return self.problem or ""
        return f"{part} {self.problem}" if self.problem else part


def find_voice(waveform: np.ndarray, sample_rate: int) -> FoundVoice:
    """The part with the most speech in it.

    Args:
        waveform: float (S,) or (channels, S) in [-1, 1]; sample_rate: of it.
    """
    sound = torch.from_numpy(np.asarray(waveform, dtype=np.float32))
    sound = sound if sound.ndim == 1 else sound.mean(0)
    shortest, longest = REFERENCE_SECONDS
    total = len(sound) / sample_rate
    if total < shortest - 0.05:
        sentence = f"This lasts {total:.2f} s, which is too short: a voice needs at least {shortest:g} s."
        return FoundVoice(0.0, total, total, sentence, usable=False)
    speech, loudest = _speech(torchaudio.functional.resample(sound, sample_rate, _RATE))
    start, stop, share = _best_part(speech, longest)
    start, stop = min(start, max(0.0, total - shortest)), min(stop, total)
    problem = None
    if loudest < _QUIET_DB:
        problem = "It is very quiet; record it louder or nearer."
    elif share < _SPEECH_SHARE:
        problem = "It hardly sounds like speech; a clean recording of one person works best."
    return FoundVoice(round(start, 2), round(max(stop, start + shortest), 2), round(total, 2), problem)


def _speech(sound: torch.Tensor) -> tuple[np.ndarray, float]:
    """Where somebody speaks, bool (A,) at 32 Hz, and the loudest moment in dB below a full-scale tone."""
    sound = sound[: len(sound) // _HOP * _HOP]
    _, voicing = track_pitch(sound[None], sample_rate=_RATE, hop=_HOP)
    level = 10 * torch.log10(sound.unflatten(0, (-1, _HOP)).square().mean(1) * 2 + 1e-12)
    loudest = float(level.max())
    return ((voicing[0] > 0.5) & (level > loudest - _BELOW_LOUDEST_DB)).numpy(), loudest


def _best_part(speech: np.ndarray, longest: float) -> tuple[float, float, float]:
    """Start and stop in seconds of the window with most speech, its silent ends cut, and the share of speech in it."""
    rate = _RATE / _HOP
    size = min(len(speech), round(longest * rate))
    counts = np.convolve(speech.astype(int), np.ones(size, dtype=int), mode="valid")
    first = int(counts.argmax())
    inside = np.flatnonzero(speech[first : first + size])
    if not len(inside):
        return 0.0, size / rate, 0.0
    start, stop = first + inside[0], first + inside[-1] + 1
    return start / rate, stop / rate, float(speech[start:stop].mean())
