"""What a kind of scene is, and the register of all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.types import Captions, Draft, Scene, Split


class SceneKind(ABC):
    """One kind of scene: how it is decided, drawn, sounded and described.

    Class attributes:
        name: the kind's name in ``KINDS``.
        group: "ambient", "speech" or "complex".
        impacts: True if it has discrete events (``EVENT_KINDS``).
        weight: how often it is drawn when no kind is asked for; 1 is ordinary.
        shortest: seconds that a clip of it must last; drawn only for clips that do.
        phrasebook: its captions' templates.
    """

    name: ClassVar[str]
    group: ClassVar[Literal["ambient", "speech", "complex"]]
    impacts: ClassVar[bool] = True
    weight: ClassVar[float] = 1.0
    shortest: ClassVar[float] = 1.0
    phrasebook: ClassVar[Phrasebook]

    @abstractmethod
    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        """Decide everything. Draw from named children of ``rng`` ("look", "times", ...) only."""

    @abstractmethod
    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> Sequence[np.ndarray]:
        """Paint the frames shown at ``times`` (F,) seconds; returns one bool mask (F, H, W) per source."""

    @abstractmethod
    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        """The waveform (num_samples,), any float type; the world limits its peak."""

    def describe(self, scene: Scene, rng: Chance) -> Captions:
        """Captions in one of many phrasings."""
        return self.phrasebook.describe(scene.attributes, rng)

    def reference(self, scene: Scene, rng: Chance, *, seconds: float, same_clip: bool) -> np.ndarray | None:
        """A timbre reference at 16 kHz; None where nobody speaks."""
        return None


_KINDS: dict[str, SceneKind] = {}


def register(cls: type[SceneKind]) -> type[SceneKind]:
    """Class decorator: makes the kind known by its name."""
    if cls.name in _KINDS:
        raise ValueError(f"the scene kind '{cls.name}' is registered twice")
    _KINDS[cls.name] = cls()
    return cls


def scene_kind(name: str) -> SceneKind:
    """The kind called ``name``.

    Raises:
        ValueError: if there is none; the message lists what there is.
    """
    if name not in _KINDS:
        raise ValueError(f"there is no scene kind '{name}'; choose one of {', '.join(sorted(_KINDS))}")
    return _KINDS[name]


def registered() -> dict[str, SceneKind]:
    """All kinds by name, in alphabetical order."""
    return dict(sorted(_KINDS.items()))
