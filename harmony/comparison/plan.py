"""A comparison as the jobs of its variants: nothing differs between them but one setting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harmony.comparison.axis import AXES, Axis, Value
from harmony.session.job import Job

if TYPE_CHECKING:
    from harmony.pipeline import HarmonyPipeline

FEWEST, MOST = 2, 6  # variants


@dataclass(frozen=True)
class Variant:
    """One clip of a comparison: its value, the value as people read it, a name for its files, and what to make."""

    value: Value
    label: str
    name: str
    job: Job


@dataclass(frozen=True)
class Comparison:
    """What a person wants to compare. Words and numbers only, so that it can be remembered and sent to a process.

    Attributes:
        job: what all variants have in common: caption, seed, and every setting but one.
        axis: the name of that setting, one of :data:`~harmony.comparison.axis.AXES`.
        values: 2 to 6 of it.
    """

    job: Job
    axis: str
    values: tuple[Value, ...]

    @classmethod
    def of(cls, job: Job, *, axis: str, values: str) -> Comparison:
        """A comparison from words: ``values`` with commas between them.

        Raises:
            ValueError: one sentence about what cannot be read or compared.
        """
        if axis not in AXES:
            raise ValueError(f"There is nothing to compare named '{axis}'; choose one of {', '.join(AXES)}")
        words = [word.strip() for word in re.split(r"[,;，、]", values) if word.strip()]
        read = tuple(AXES[axis].read(word) for word in words)
        if not FEWEST <= len(read) <= MOST:
            raise ValueError(f"A comparison has {FEWEST} to {MOST} values, got {len(read)}")
        twice = [word for k, word in enumerate(words) if read[k] in read[:k]]
        if twice:
            raise ValueError(f"'{twice[0]}' is there twice; give each value once")
        return cls(job, axis, read)

    @property
    def setting(self) -> Axis:
        return AXES[self.axis]

    @property
    def variants(self) -> tuple[Variant, ...]:
        axis = self.setting
        labels = [axis.show(value) for value in self.values]
        return tuple(
            Variant(value, label, f"{number}-{self.axis}-{_file_word(value)}", axis.turn(self.job, value))
            for number, (value, label) in enumerate(zip(self.values, labels, strict=True), 1)
        )

    def num_passes(self, pipe: HarmonyPipeline) -> int:
        """Forward passes of the model: what all variants cost."""
        return sum(variant.job.num_passes(pipe) for variant in self.variants)

    def check(self, pipe: HarmonyPipeline) -> None:
        """Make sure that something differs.

        Raises:
            ValueError: two variants would be the same clip; one sentence says what to do.
        """
        if self.axis == "text" and not (self.job.prompt or self.job.audio_prompt or self.job.transcript).strip():
            raise ValueError("Text strength changes nothing where there are no words; describe what is seen first")
        found: dict[object, str] = {}
        for variant in self.variants:
            guidance = variant.job.guidance(pipe)
            sampled = (guidance, variant.job.steps or guidance.num_inference_steps)
            if sampled in found:
                raise ValueError(
                    f"'{found[sampled]}' and '{variant.label}' would give the same clip, because guidance is off here "
                    "or its strengths are 1; turn it on, or compare something else"
                )
            found[sampled] = variant.label


def _file_word(value: Value) -> str:
    """A value for a file's name: ``sync``, ``1.5``, ``0-0.5``."""
    parts = value if isinstance(value, tuple) else (value,)
    return "-".join(part if isinstance(part, str) else f"{part:g}" for part in parts)
