"""Which words are heard: pocketsphinx with a grammar of known words, and the word error rate.

A grammar makes the recogniser choose among the words that can be said at all, which small synthetic voices need. Only
English has a bundled model. pocketsphinx is optional: ``pip install harmony[evaluate]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray


class WordRecogniser:
    """Hears English words out of a known list, in any order and number.

    Raises:
        ImportError: if pocketsphinx is not installed.
        ValueError: if no word of the vocabulary is in the recogniser's dictionary.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        if find_spec("pocketsphinx") is None:
            raise ImportError("hearing words needs pocketsphinx; install it with 'pip install pocketsphinx'")
        from pocketsphinx import Decoder, get_model_path

        folder = f"{get_model_path()}/en-us"
        self._decoder = Decoder(
            hmm=f"{folder}/en-us", dict=f"{folder}/cmudict-en-us.dict", lm=None, samprate=16000.0, loglevel="FATAL"
        )
        self.vocabulary = sorted({word for word in vocabulary if self._decoder.lookup_word(word)})
        if not self.vocabulary:
            raise ValueError("none of these words is in the recogniser's English dictionary")
        words = " | ".join(self.vocabulary)
        self._decoder.add_jsgf_string("said", f"#JSGF V1.0; grammar said; public <said> = ( {words} )+ ;")
        self._decoder.activate_search("said")

    def hear(self, waveform: NDArray) -> list[str]:
        """The words in a sound (S,) at 16 kHz, in order."""
        peak = max(float(np.abs(waveform).max()), 1e-6)
        # A breath of noise: the recogniser's features are undefined in digital silence.
        noise = np.random.Generator(np.random.PCG64(0)).normal(0.0, 10.0, len(waveform))
        pcm = np.clip(waveform / peak * 16_000 + noise, -32768, 32767).astype(np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), no_search=False, full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr.split() if found else []


def word_errors(heard: Sequence[str], said: Sequence[str]) -> int:
    """Words to insert, delete or replace to turn ``heard`` into ``said`` (Levenshtein distance)."""
    row = list(range(len(said) + 1))
    for count, word in enumerate(heard, start=1):
        before, row[0] = row[0], count
        for place, other in enumerate(said, start=1):
            cost = min(row[place] + 1, row[place - 1] + 1, before + (word != other))
            before, row[place] = row[place], cost
    return row[-1]


def word_error_rate(heard: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> float:
    """Errors of all clips together, over the words said in all of them."""
    errors = sum(word_errors(a, b) for a, b in zip(heard, said, strict=True))
    return errors / max(1, sum(len(b) for b in said))
