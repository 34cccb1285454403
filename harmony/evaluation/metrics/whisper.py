"""Is the right text said? Error rates of a large recogniser's transcripts: in words for English, in characters for
Chinese.

Numbers that Whisper writes in digits, and traditional characters where simplified ones are wanted, count as errors.
Written after transformers' documented interface; it has not been run with the real weights here.
"""

from __future__ import annotations

import unicodedata
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.words import word_errors

Language = Literal["en", "zh"]
_NAMES = {"en": "english", "zh": "chinese"}
_LONGEST = 30  # seconds that Whisper hears at once; it reads longer sounds by its own timestamps


class Whisper:
    """A recogniser from the hub.

    Args:
        model: its name there.
        device: where the network runs.

    Raises:
        CannotMeasure: if transformers cannot be used, or the weights cannot be had.
    """

    def __init__(self, model: str = "openai/whisper-large-v3", *, device: str = "cpu") -> None:
        try:
            from transformers import pipeline
        except (ImportError, OSError) as error:
            raise CannotMeasure(f"transformers cannot be used ({error}); pip install transformers") from error
        try:
            self._hear = pipeline("automatic-speech-recognition", model=model, device=device)
        except Exception as error:
            raise CannotMeasure(
                f"the weights of {model} cannot be loaded ({type(error).__name__}); they are fetched once from the hub"
            ) from error

    def transcript(self, waveform: NDArray, *, sample_rate: int, language: Language) -> str:
        """What is said in (S,) in [-1, 1]; the pipeline itself resamples.

        Raises:
            CannotMeasure: if there is no sound.
        """
        if not len(waveform):
            raise CannotMeasure("there is no sound to listen to")
        found = self._hear(
            {"raw": waveform.astype(np.float32), "sampling_rate": sample_rate},
            return_timestamps=len(waveform) > _LONGEST * sample_rate,
            generate_kwargs={"language": _NAMES[language], "task": "transcribe"},
        )
        return found["text"].strip()


def units(text: str, *, language: Language) -> list[str]:
    """The words of an English text, the characters of a Chinese one: lower case, without punctuation."""
    text = unicodedata.normalize("NFKC", text).lower()
    for apostrophe in "'’":
        text = text.replace(apostrophe, "")
    words = "".join(" " if unicodedata.category(sign)[0] in "PS" else sign for sign in text).split()
    return list("".join(words)) if language == "zh" else words


def error_rate(said: str, wanted: str, *, language: Language) -> float:
    """Insertions, deletions and replacements per wanted word or character; ``wer_figure`` pools clips' ``units``.

    Raises:
        CannotMeasure: if no words are wanted.
    """
    aim = units(wanted, language=language)
    if not aim:
        raise CannotMeasure("no words are wanted, so none can be wrong")
    return word_errors(units(said, language=language), aim) / len(aim)
