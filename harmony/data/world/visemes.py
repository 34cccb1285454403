"""From phonemes to lips: what shape a mouth has while each sound is made, and at any time between.

The targets follow the usual viseme groups (lips closed for m, b, p; teeth on the lip for f, v; rounded for u, o, w;
spread for i; wide open for a). A shape is held through the middle of its sound and glides linearly between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Viseme(NamedTuple):
    """A mouth's shape, each number from 0 to 1.

    Attributes:
        opening: 0 closed, 1 as wide open as it gets.
        width: 0 puckered, 0.5 at rest, 1 spread.
        teeth: how much of the upper teeth shows.
    """

    opening: float
    width: float
    teeth: float = 0.0


REST = Viseme(0.0, 0.5)
_CLOSED, _LIP_TEETH = Viseme(0.0, 0.45), Viseme(0.14, 0.6, 1.0)
_HISS, _HUSH = Viseme(0.22, 0.8, 1.0), Viseme(0.26, 0.2, 0.8)
_TONGUE, _THROAT = Viseme(0.32, 0.6, 0.4), Viseme(0.36, 0.5)
_TABLE: dict[str, Viseme] = (
    dict.fromkeys(("m", "b", "p", "ph"), _CLOSED)
    | dict.fromkeys(("f", "v"), _LIP_TEETH)
    | dict.fromkeys(("s", "z", "ts", "tsh"), _HISS)
    | dict.fromkeys(("ʃ", "ʒ", "tʃ", "dʒ", "ɕ", "tɕ", "tɕh", "s.", "ts.", "ts.h", "ʂ", "ʐ", "z."), _HUSH)
    | dict.fromkeys(("t", "th", "d", "n", "l", "ɫ", "ɾ", "θ", "ð"), _TONGUE)
    | dict.fromkeys(("k", "kh", "ɡ", "g", "ŋ", "h", "x", "χ", "ɦ", "ʔ"), _THROAT)
    | {"ɹ": Viseme(0.32, 0.25), "r": Viseme(0.32, 0.25), "w": Viseme(0.22, 0.0), "j": Viseme(0.3, 0.9, 0.3)}
    | {"a": Viseme(1.0, 0.6), "ɑ": Viseme(1.0, 0.5), "æ": Viseme(0.9, 0.75, 0.3), "ɐ": Viseme(0.8, 0.55)}
    | {"ʌ": Viseme(0.75, 0.5), "ə": Viseme(0.55, 0.5), "ɚ": Viseme(0.5, 0.35), "ɜ": Viseme(0.55, 0.35)}
    | {
        "ɛ": Viseme(0.7, 0.75, 0.3),
        "e": Viseme(0.6, 0.8, 0.3),
        "ɪ": Viseme(0.45, 0.8, 0.4),
        "i": Viseme(0.42, 1.0, 0.5),
    }
    | {"ɔ": Viseme(0.85, 0.3), "ɒ": Viseme(0.9, 0.35), "o": Viseme(0.7, 0.15), "ɤ": Viseme(0.55, 0.5)}
    | {"ʊ": Viseme(0.45, 0.1), "u": Viseme(0.38, 0.0), "y": Viseme(0.36, 0.05), "i.": Viseme(0.35, 0.7, 0.6)}
)
_LONGEST = max(map(len, _TABLE))
CLOSED_LIPS = frozenset(name for name, shape in _TABLE.items() if shape is _CLOSED)

_HOLD = 0.5  # share of its sound through which a shape stays
_CLOSURE = 0.075  # seconds that closed lips stay at least: longer than one frame at 16 fps, so that they are seen
_BEFORE, _AFTER = 0.03, 0.045  # seconds in which a mouth opens before a word and closes after it
_SOON = 0.012  # seconds into a word at which its first shape is reached


@dataclass(frozen=True)
class TimedPhoneme:
    """One sound: its IPA name, start and end in seconds."""

    name: str
    start: float
    end: float


@lru_cache(maxsize=1024)
def visemes_of(name: str) -> tuple[Viseme, ...]:
    """The shapes that a phoneme goes through; a diphthong has several. Marks of length and tone have none.

    >>> len(visemes_of("oʊ")), visemes_of("m")[0].opening
    (2, 0.0)
    """
    shapes, position = [], 0
    while position < len(name):
        for size in range(min(_LONGEST, len(name) - position), 0, -1):
            shape = _TABLE.get(name[position : position + size])
            if shape:
                shapes.append(shape)
                break
        position += size
    return tuple(shapes)


def mouth_track(words: Iterable[Sequence[TimedPhoneme]], times: np.ndarray) -> np.ndarray:
    """Shapes of a mouth that says ``words`` (each a run of phonemes) at ``times`` (F,) seconds.

    Returns:
        (F, 3) float: opening, width and teeth of :class:`Viseme`; ``REST`` where nothing is said.
    """
    knots: list[tuple[float, Viseme]] = [(-1e3, REST)]
    for phonemes in words:
        if phonemes:
            knots += _knots_of_word(phonemes, after=knots[-1][0])
    knots.append((1e3, REST))
    moments = np.array([moment for moment, _ in knots])
    shapes = np.array([shape for _, shape in knots])
    return np.stack([np.interp(times, moments, column) for column in shapes.T], axis=-1)


def _knots_of_word(phonemes: Sequence[TimedPhoneme], *, after: float) -> list[tuple[float, Viseme]]:
    """Moments at which the mouth has a known shape, in order of time, from rest to rest."""
    start, end = phonemes[0].start, phonemes[-1].end
    spans = [span for phoneme in phonemes for span in _spans(phoneme)]
    if not spans:
        return []
    spans[0] = (min(spans[0][0], start + _SOON), *spans[0][1:])
    knots = [(max(after, start - _BEFORE), REST)]
    # Closed lips take their time from their neighbours, so the neighbours' knots give way.
    closures = [(a, b) for a, b, shape in spans if shape is _CLOSED]
    for first, last, shape in spans:
        for moment in (first, last):
            hidden = shape is not _CLOSED and any(a - 0.01 < moment < b + 0.01 for a, b in closures)
            if not hidden:
                knots.append((max(moment, knots[-1][0]), shape))
    return [*knots, (max(end + _AFTER, knots[-1][0]), REST)]


def _spans(phoneme: TimedPhoneme) -> list[tuple[float, float, Viseme]]:
    """When a phoneme's shapes are held: (from, to, shape)."""
    shapes = visemes_of(phoneme.name)
    length = (phoneme.end - phoneme.start) / max(len(shapes), 1)
    spans = []
    for index, shape in enumerate(shapes):
        middle = phoneme.start + (index + 0.5) * length
        half = 0.5 * _HOLD * length
        if shape is _CLOSED:
            half = max(half, 0.5 * _CLOSURE)
        spans.append((middle - half, middle + half, shape))
    return spans
