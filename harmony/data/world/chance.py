"""Chance that every machine and every numpy agrees on.

numpy promises that a bit generator's raw output and ``SeedSequence`` never change, but not that ``Generator``'s
distributions stay the same between versions. So the world draws raw bits from PCG64 and shapes them itself.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_TO_UNIT = 2.0**-53


class Chance:
    """A named stream of random draws; ``child`` gives an independent one.

    Draws in one stream never move draws in another: a scene kind that asks for one more colour keeps its event times.

    Args:
        seed: any non-negative integer.
        path: names from the root stream to this one.

    Raises:
        ValueError: if the seed is negative.
    """

    def __init__(self, seed: int, path: tuple[str, ...] = ()) -> None:
        if seed < 0:
            raise ValueError(f"a seed must be 0 or more, got {seed}")
        self.seed = int(seed)
        self.path = path
        key = tuple(zlib.crc32(name.encode()) for name in path)
        self._bits = np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key))

    def child(self, name: str) -> Chance:
        """The independent stream called ``name`` below this one; asking twice gives the same stream from its start."""
        return Chance(self.seed, (*self.path, name))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * (self._bits.random_raw() >> 11) * _TO_UNIT

    def integer(self, limit: int) -> int:
        """A whole number from 0 to ``limit`` - 1."""
        return min(int(self.uniform() * limit), limit - 1)

    def flip(self, probability: float = 0.5) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def choice(self, options: Sequence[T], *, weights: Sequence[float] | None = None) -> T:
        """One of ``options``, all equally likely or by ``weights`` (any positive scale)."""
        if weights is None:
            return options[self.integer(len(options))]
        point = self.uniform() * math.fsum(weights)
        for option, weight in zip(options, weights, strict=True):
            point -= weight
            if point < 0:
                return option
        return options[-1]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All options in a random order."""
        keys = [self.uniform() for _ in options]
        return [options[i] for i in sorted(range(len(options)), key=keys.__getitem__)]

    def dirichlet(self, parts: int) -> list[float]:
        """``parts`` positive shares that sum to 1, Dirichlet(1, ..., 1)."""
        draws = [-math.log1p(-self.uniform()) + 1e-12 for _ in range(parts)]
        total = math.fsum(draws)
        return [draw / total for draw in draws]

    def noise(self, count: int) -> np.ndarray:
        """White noise, float32 (count,), zero mean and unit variance, evenly distributed."""
        raw = self._bits.random_raw((count + 1) // 2)
        halves = np.stack([raw >> np.uint64(32), raw & np.uint64(0xFFFFFFFF)], axis=-1).reshape(-1)[:count]
        return ((halves.astype(np.float64) * 2.0**-31 - 1.0) * math.sqrt(3)).astype(np.float32)
