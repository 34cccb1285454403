"""Hearing words: the error rate in closed form, and the recogniser on sounds without words."""

from __future__ import annotations

import numpy as np
import pytest

from harmony.evaluation.words import WordRecogniser, word_error_rate, word_errors


@pytest.mark.parametrize(("heard", "said", "errors"), [
    ("red ball", "red ball", 0),
    ("red ball", "red big ball", 1),
    ("red red ball", "red ball", 1),
    ("blue ball", "red ball", 1),
    ("", "red ball", 2),
    ("ball red", "red ball", 2),
    ("a b c d", "", 4),
])  # fmt: skip
def test_word_errors(heard, said, errors):
    assert word_errors(heard.split(), said.split()) == errors


def test_the_rate_counts_words_not_clips():
    assert word_error_rate([["a"], ["b", "c", "d"]], [["a"], ["b", "x", "d"]]) == pytest.approx(1 / 4)


def test_the_recogniser_knows_its_vocabulary_only():
    pytest.importorskip("pocketsphinx")
    recogniser = WordRecogniser(["hello", "ball", "qqzzy"])
    assert recogniser.vocabulary == ["ball", "hello"]
    assert set(recogniser.hear(0.1 * np.random.default_rng(0).standard_normal(16_000))) <= {"ball", "hello"}
    with pytest.raises(ValueError, match="none of these words"):
        WordRecogniser(["你好"])
