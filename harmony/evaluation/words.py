"""Are the words right? Word errors of a classic recogniser (PocketSphinx) that knows which words there are.

The grammar allows any one to four words of the world's English vocabulary, in any order: it gives no hint of what was
asked. The recogniser's own errors on true clips stand beside the model's in every report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmony.data.world.speech import speech_bank
from harmony.evaluation.figures import CannotMeasure, Figure, ratio_figure

MOST_WORDS = 4
_PAUSE = 0.25  # seconds of silence put around a clip: the recogniser wants to hear where speech begins and ends


class Recogniser:
    """Hears words of a fixed vocabulary in 16 kHz sound.

    Args:
        vocabulary: lower-case English words.

    Raises:
        CannotMeasure: if PocketSphinx is not installed, or does not know how a word is pronounced.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        try:
            import pocketsphinx
        except ImportError as error:
            raise CannotMeasure("pocketsphinx is not installed; pip install 'harmony[evaluate]'") from error
        model = pocketsphinx.get_model_path
        self._decoder: Any = pocketsphinx.Decoder(
            hmm=model("en-us/en-us"), dict=model("en-us/cmudict-en-us.dict"), lm=None, loglevel="FATAL"
        )
        if unknown := [word for word in vocabulary if self._decoder.lookup_word(word) is None]:
            raise CannotMeasure(f"the recogniser does not know how to pronounce: {', '.join(unknown)}")
        self._decoder.add_jsgf_string("words", grammar(vocabulary))
        self._decoder.activate_search("words")

    def words(self, waveform: NDArray) -> list[str]:
        """What is said in (S,) at 16 kHz; an empty list where nothing is understood."""
        pause = np.zeros(round(_PAUSE * 16_000), np.float32)
        loudest = max(float(np.abs(waveform).max()), 1e-6)
        sound = np.concatenate([pause, waveform * (0.8 / loudest), pause])
        self._decoder.start_utt()
        self._decoder.process_raw((sound * 32767).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr.split() if found is not None else []


def grammar(vocabulary: Sequence[str]) -> str:
    """A JSGF grammar of one to four words."""
    said = "<word>" + " [<word>" * (MOST_WORDS - 1) + "]" * (MOST_WORDS - 1)
    return f"#JSGF V1.0;\ngrammar words;\npublic <said> = {said};\n<word> = {' | '.join(sorted(vocabulary))};\n"


def english_words() -> list[str]:
    """The English words that the world's voices say."""
    return sorted(speech_bank().languages["en"])


def word_errors(said: Sequence[str], wanted: Sequence[str]) -> int:
    """Levenshtein distance in words: the fewest insertions, deletions and replacements."""
    row = list(range(len(wanted) + 1))
    for i, one in enumerate(said, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(wanted, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (one != other))
    return row[-1]


def wer_figure(said: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]], *, kinds: Sequence[str]) -> Figure:
    """Word error rate: all errors over all wanted words; and the share of clips with the right number of words."""
    errors = [word_errors(s, w) for s, w in zip(said, wanted, strict=True)]
    right_counts = float(np.mean([len(s) == len(w) for s, w in zip(said, wanted, strict=True)]))
    return ratio_figure(errors, [len(w) for w in wanted], kinds=kinds, right_word_count=right_counts)
