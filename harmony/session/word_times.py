"""When each word is said, as people write it: ``0.40-0.85 1.20-1.60``, one span in seconds for every word."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harmony.models.schedule import Schedule, ScheduledWord
    from harmony.timeline import Timeline

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*[-–]\s*(\d+(?:\.\d+)?)")
_BETWEEN = re.compile(r"[\s,;]*")


def parse_word_times(text: str, transcript: str) -> Schedule | None:
    """The schedule of a transcript whose words are said at these times; ``None`` where no times are told.

    >>> [(word.text, word.start, word.end) for word in parse_word_times("0.4-0.85, 1.2-1.6", "hello ball")]
    [('hello', 0.4, 0.85), ('ball', 1.2, 1.6)]

    Raises:
        ValueError: one sentence, if these are no times, not one span for each word, or words overlap.
    """
    from harmony.models.schedule import ScheduledWord
    from harmony.models.transcript import spoken_words

    if not text.strip():
        return None
    if _BETWEEN.fullmatch(_SPAN.sub(" ", text)) is None:
        raise ValueError(f"word times must look like '0.40-0.85 1.20-1.60', in seconds, got '{text.strip()}'")
    spans = [(float(start), float(end)) for start, end in _SPAN.findall(text)]
    words = spoken_words(transcript)
    if len(spans) != len(words):
        raise ValueError(
            f"{_counted(len(words), 'word')} said but {_counted(len(spans), 'time')} given; "
            "give one time for each word, or none at all"
        )
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise ValueError("each word must end before the next one starts; move the times apart")
    return tuple(ScheduledWord(word, *span) for word, span in zip(words, spans, strict=True))


def format_word_times(schedule: Sequence[ScheduledWord]) -> str:
    """The times of a schedule as text, to a hundredth of a second, rounded down so that none leaves its clip."""
    return " ".join(f"{_floor(word.start):.2f}-{_floor(word.end):.2f}" for word in schedule)


def drawn_word_times(transcript: str, timeline: Timeline, *, seed: int) -> str:
    """The times that a clip of this length and seed gives the words when nobody tells any.

    Raises:
        ValueError: one sentence, if there are no words or they do not fit.
    """
    from harmony.models.schedule import sample_schedule

    drawn = sample_schedule(transcript, timeline, seed=seed)
    if not drawn:
        raise ValueError("there are no words to lay out; write what is said first")
    return format_word_times(drawn)


def _floor(seconds: float) -> float:
    return math.floor(100 * seconds + 1e-6) / 100


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"
