# SPDX-License-Identifier: GPL-3.0-or-later
"""How many words of a voice does a recogniser understand? pocketsphinx with a grammar of the bank's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from random import Random

import numpy as np
from pocketsphinx import Decoder, get_model_path
from waves import RATE

_GROUP = 4  # words said in a row: one alone is too short for the recogniser to adapt to the voice
_PAUSE = 0.15


class Recogniser:
    """Hears ``_GROUP`` words in a row, any of ``words`` in any order."""

    def __init__(self, words: Sequence[str]) -> None:
        model = f"{get_model_path()}/en-us"
        self._words = list(words)
        self._decoder = Decoder(hmm=f"{model}/en-us", dict=f"{model}/cmudict-en-us.dict", lm=None, loglevel="FATAL")
        grammar = f"#JSGF V1.0;\ngrammar bank;\n<word> = {' | '.join(words)};\npublic <row> = {'<word> ' * _GROUP};\n"
        self._decoder.add_jsgf_string("bank", grammar)
        self._decoder.activate_search("bank")

    def understood(self, waves: Mapping[str, np.ndarray]) -> dict[str, bool]:
        """For each word of ``waves`` (float, 16 kHz), whether it was recognised."""
        order = Random(0).sample(sorted(waves), len(waves))
        order += order[: -len(order) % _GROUP]
        heard_right = {}
        for start in range(0, len(order), _GROUP):
            row = order[start : start + _GROUP]
            matcher = SequenceMatcher(None, row, self._hear([waves[word] for word in row]), autojunk=False)
            right = {row[i] for block in matcher.get_matching_blocks() for i in range(block.a, block.a + block.size)}
            heard_right.update({word: word in right for word in row})
        return heard_right

    def _hear(self, waves: Sequence[np.ndarray]) -> list[str]:
        pause = np.zeros(int(_PAUSE * RATE))
        row = np.concatenate([part for wave in waves for part in (pause, wave / np.abs(wave).max() * 0.5)] + [pause])
        noise = np.random.Generator(np.random.PCG64(0)).normal(0, 15, len(row))
        self._decoder.start_utt()
        self._decoder.process_raw((row * 32767 + noise).astype(np.int16).tobytes(), False, True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr.split() if hypothesis else []
