"""What a measure is: a part and a total on each clip, so that a set's figure is all parts over all totals.

A mean is a ratio whose totals are 1; word errors count per word, and F1 is twice the hits over all events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch

from harmony.evaluation.bench import JUDGES, Judges
from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.harmony_bench.cases import BenchCase
from harmony.timeline import Timeline

Parts = tuple[float, float]  # part, total
Tool = TypeVar("Tool")


@dataclass(frozen=True)
class Measure:
    """How a figure is named, and which way is better."""

    name: str
    label: str
    better: Literal["higher", "lower", ""]
    about: str


@dataclass(frozen=True)
class Taken:
    """One clip of a case as its file holds it."""

    case: BenchCase
    frames: np.ndarray  # uint8 (F, H, W, 3)
    waveform: np.ndarray  # (S,) at 16 kHz
    timeline: Timeline


class Tools:
    """The networks and packages that measure, opened when they are first needed.

    Args:
        judges: folder of our own.
    """

    def __init__(self, judges: Path = JUDGES) -> None:
        self._folder = judges
        self._opened: dict[Callable[..., Any], Any] = {}

    @property
    def device(self) -> str:
        """Where big public evaluators run."""
        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def fingerprint(self) -> str:
        """Of our own judges' weights: what others found must not pass for what these would."""
        digest = hashlib.sha256()
        for path in sorted(self._folder.rglob("*.safetensors")):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:12]

    @cached_property
    def judges(self) -> Judges:
        """Our own networks."""
        return Judges.load(self._folder)

    def open(self, make: Callable[..., Tool], **options: Any) -> Tool:
        """What ``make`` gives, made once; what cannot be opened is not tried again for every clip.

        Raises:
            CannotMeasure: if it cannot be opened.
        """
        if make not in self._opened:
            try:
                self._opened[make] = make(**options)
            except CannotMeasure as reason:
                self._opened[make] = reason
        found = self._opened[make]
        if isinstance(found, CannotMeasure):
            raise found
        return found


@dataclass(frozen=True)
class Meter:
    """Measures that are taken together.

    Attributes:
        measures: what it gives.
        fits: whether it says anything about a case.
        take: gives the parts and totals; raises ``CannotMeasure`` where it cannot.
    """

    measures: tuple[Measure, ...]
    fits: Callable[[BenchCase], bool]
    take: Callable[[Tools, Taken], Sequence[Parts]]
