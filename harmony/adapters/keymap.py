"""A strict map between the names of two checkpoints: every source name is used, every target name is accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]


class WrongCheckpoint(ValueError):  # noqa: N818  (said to people as a sentence)
    """The file is not what it was taken for; the message says why."""


@dataclass(frozen=True)
class KeyMap:
    """Which source tensor fills which target.

    Attributes:
        family: what the source is called when something does not fit.
        pairs: (source name, target name). A source may fill several targets; a target has exactly one source.
        zeros: targets without a source that must start at zero.
        fresh: targets that the source knows nothing of; they keep the values that a new model starts with.
    """

    family: str
    pairs: tuple[tuple[str, str], ...]
    zeros: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        filled = Counter([target for _, target in self.pairs] + [*self.zeros, *self.fresh])
        twice = [name for name, count in filled.items() if count > 1]
        if twice:
            raise ValueError(f"the {self.family} map fills '{twice[0]}' more than once")

    @property
    def sources(self) -> dict[str, str]:
        """Target name to source name."""
        return {target: source for source, target in self.pairs}

    def check(self, source: Shapes, target: Shapes) -> None:
        """Both sides complete, nothing left over, all shapes equal.

        Raises:
            WrongCheckpoint: one sentence about the first thing that does not fit.
        """
        self._check_names({s for s, _ in self.pairs}, set(source), "checkpoint")
        self._check_names({t for _, t in self.pairs} | self.zeros | self.fresh, set(target), "model")
        for source_name, target_name in self.pairs:
            has, needs = tuple(source[source_name]), tuple(target[target_name])
            if has != needs:
                raise WrongCheckpoint(
                    f"'{source_name}' is {has} in this {self.family} checkpoint, the model needs {needs}"
                )

    def _check_names(self, expected: set[str], found: set[str], side: str) -> None:
        missing, unknown = sorted(expected - found), sorted(found - expected)
        if missing and len(missing) == len(expected):
            raise WrongCheckpoint(f"this is no {self.family} {side}: none of its tensors is there")
        if missing:
            raise WrongCheckpoint(f"this {self.family} {side} lacks {some(missing)}")
        if unknown:
            raise WrongCheckpoint(f"this {self.family} {side} holds {some(unknown)}, which belongs nowhere")

    def inverse(self, family: str) -> KeyMap:
        """The way back; ``family`` is what this map's target is called.

        Raises:
            WrongCheckpoint: if the model has tensors for which there is no place on the other side.
        """
        extra = sorted(self.zeros | self.fresh)
        if extra or len({source for source, _ in self.pairs}) < len(self.pairs):
            what = some(extra) if extra else "projections of its own where the other side shares them"
            raise WrongCheckpoint(f"a model that has {what} cannot be written as {self.family}")
        return KeyMap(family, tuple((target, source) for source, target in self.pairs))


def some(names: Iterable[str]) -> str:
    """The first of many names, and how many more there are: ``'a.weight' and 3 more``."""
    first, *rest = names
    return f"'{first}'" + (f" and {len(rest)} more" if rest else "")


def parameters(module: str, other: str, kinds: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of a module's parameters, such as ``weight`` and ``bias``, under two names."""
    return [(f"{module}.{kind}", f"{other}.{kind}") for kind in kinds]
