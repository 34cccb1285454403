"""What the tiny world is made of: events, words, scenes, captions and finished clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Event:
    """Something that is seen and heard at one instant.

    Attributes:
        time: seconds from the clip's beginning; the sound's first sample sits exactly here.
        source: index into ``Clip.source_masks``.
        kind: what happens: "strike", "blink", "clap", "bark", "syllable", ...
        strength: 1 is ordinary.
    """

    time: float
    source: int
    kind: str
    strength: float = 1.0


@dataclass(frozen=True)
class Word:
    """One spoken word: its text, when it starts and ends (seconds), and which source says it."""

    text: str
    start: float
    end: float
    source: int


@dataclass(frozen=True)
class Scene:
    """Everything drawn and sounded, decided by the seed alone: no picture size, machine or numpy version changes it.

    Attributes:
        kind: name of the scene kind, e.g. "drum".
        seed: the caller's seed, without the split's offset.
        attributes: what captions may say, e.g. ``{"colour": "red", "size": "big", "count": "three"}``.
        params: the numbers that drawing and sounding need; always JSON-serialisable.
        events: in order of time.
        words: empty when nobody speaks.
        transcript: what is said, or None.
        speaker: id of the voice, or None.
        split: which split the scene was drawn from.
        duration: length in seconds that the events were laid out for.
    """

    kind: str
    seed: int
    attributes: dict[str, str]
    params: dict[str, Any]
    events: tuple[Event, ...]
    words: tuple[Word, ...] = ()
    transcript: str | None = None
    speaker: str | None = None
    split: Split = "train"
    duration: float = 2.0625


@dataclass(frozen=True)
class Captions:
    """Three descriptions of one clip.

    Attributes:
        video: of the picture.
        audio: of the sound.
        video_plain: of the picture without counts or tempo, for requests that a given sound drives.
    """

    video: str
    audio: str
    video_plain: str


@dataclass(frozen=True)
class Clip:
    """A scene, drawn and sounded.

    Attributes:
        scene: what it shows.
        frames: uint8 (F, H, W, 3).
        waveform: float32 (S,), peak at most 0.95.
        source_masks: bool (n_sources, F, H, W): where each source of sound is.
        captions: one set of descriptions.
    """

    scene: Scene
    frames: np.ndarray
    waveform: np.ndarray
    source_masks: np.ndarray
    captions: Captions


@dataclass(frozen=True)
class Draft:
    """What a scene kind decides in ``sample``; the world adds kind, seed and split to make it a Scene."""

    attributes: dict[str, str]
    params: dict[str, Any]
    events: tuple[Event, ...] = ()
    words: tuple[Word, ...] = ()
    transcript: str | None = None
    speaker: str | None = None
