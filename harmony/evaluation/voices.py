"""Is it the reference's voice? A speaker network (Resemblyzer) picks one of five held-out voices of one sex."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmony.data.world.speech import SpeechBank, Voice, speech_bank
from harmony.evaluation.figures import CannotMeasure

CHOICES = 5
_WORDS_TO_ENROL = 12


@dataclass(frozen=True)
class LineUp:
    """Five held-out voices of one kind ("man", "woman", "child"), by id, and how each sounds to the judge."""

    kind: str
    voices: tuple[str, ...]
    prints: NDArray  # (5, D), unit length

    def pick(self, embedding: NDArray) -> str:
        """The voice whose print is most like ``embedding`` (D,)."""
        return self.voices[int(np.argmax(self.prints @ embedding))]


class SpeakerJudge:
    """Sound to a speaker embedding.

    Raises:
        CannotMeasure: if Resemblyzer is not installed.
    """

    def __init__(self) -> None:
        try:
            import resemblyzer
        except ImportError as error:
            raise CannotMeasure(f"resemblyzer cannot be used ({error}); pip install 'harmony[evaluate]'") from error
        self._prepare = resemblyzer.preprocess_wav
        self._encoder: Any = resemblyzer.VoiceEncoder("cpu", verbose=False)

    def embed(self, waveform: NDArray) -> NDArray:
        """(S,) at 16 kHz to (D,) of unit length."""
        return self._encoder.embed_utterance(self._prepare(waveform.astype(np.float32), source_sr=16_000))


def line_ups(judge: SpeakerJudge) -> dict[str, LineUp]:
    """One line-up for each kind of voice that the test split has five of.

    Raises:
        CannotMeasure: if no kind has five.
    """
    bank, by_kind = speech_bank(), defaultdict(list)
    for voice in bank.voices_of("test"):
        by_kind[voice.kind].append(voice)
    chosen = {kind: sorted(voices, key=lambda v: v.id)[:CHOICES] for kind, voices in by_kind.items()}
    chosen = {kind: voices for kind, voices in chosen.items() if len(voices) == CHOICES}
    if not chosen:
        raise CannotMeasure(
            f"the speech bank '{bank.name}' has fewer than {CHOICES} held-out voices of one kind; build the full one"
        )
    return {
        kind: LineUp(kind, tuple(v.id for v in voices), np.stack([judge.embed(enrolment(bank, v)) for v in voices]))
        for kind, voices in chosen.items()
    }


def enrolment(bank: SpeechBank, voice: Voice) -> NDArray:
    """Some words of a voice one after the other, as the judge gets to know it."""
    pause = np.zeros(round(0.08 * bank.rate), np.float32)
    words: Sequence[str] = sorted(voice.words)[:: max(1, len(voice.words) // _WORDS_TO_ENROL)]
    return np.concatenate([part for word in words for part in (bank.samples(voice, word), pause)])
