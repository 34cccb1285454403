"""Which part of a person's file is used: as much as a clip holds, from where they say, never silently its beginning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harmony import media

if TYPE_CHECKING:
    from harmony.pipeline import HarmonyPipeline
    from harmony.session.job import Job

VOICE_SEARCHED = 60.0  # seconds of a recording in which a voice is looked for
_SLACK = 0.01  # seconds; people type two decimals


@dataclass(frozen=True)
class Part:
    """The part of a file that is used, in seconds."""

    start: float
    stop: float
    total: float

    @property
    def whole(self) -> bool:
        return self.start == 0.0 and self.stop >= self.total

    @property
    def seconds(self) -> float:
        return self.stop - self.start

    def words(self, owner: str) -> str:
        """What was used of the file that is called ``owner``."""
        if self.whole:
            return f"Used all of {owner}, {self.total:.2f} s"
        return f"Used {self.start:.2f} s to {self.stop:.2f} s of {owner}, which lasts {self.total:.2f} s"


def used_part(pipe: HarmonyPipeline, job: Job) -> Part | None:
    """The part of the driving file that a job uses; ``None`` where nothing is given.

    Raises:
        ValueError: if the file is too short for that, or the part longer than a clip can be.
    """
    if job.driver is None:
        return None
    total, room = media.probe(job.driver).duration, longest_clip(pipe)
    if not 0 <= job.start < total:
        name = Path(job.driver).name
        raise ValueError(f"'{name}' lasts {total:.2f} s, so nothing starts at {job.start:.2f} s; start earlier")
    left = total - job.start
    seconds = min(left, room) if job.duration is None else job.duration
    if seconds > left + _SLACK or seconds > room + _SLACK:
        raise ValueError(
            f"{seconds:.2f} s were asked for, but {left:.2f} s are left in the file after the start and a clip holds "
            f"{room:.2f} s; ask for less"
        )
    return Part(job.start, min(job.start + seconds, total), total)


def voice_part(job: Job) -> Part | None:
    """The part of the reference voice that is used: where the person says, else where most is said.

    Raises:
        ValueError: if less than a second is left there.
    """
    from harmony.conditions import REFERENCE_SECONDS
    from harmony.session.voice import find_voice

    if job.reference_audio is None:
        return None
    total, (shortest, longest) = media.probe(job.reference_audio).duration, REFERENCE_SECONDS
    if job.reference_start is None:
        found = find_voice(*media.read_audio(job.reference_audio, duration=min(total, VOICE_SEARCHED)))
        return Part(found.start, found.stop, total)
    if not 0 <= job.reference_start <= total - shortest + _SLACK:
        raise ValueError(
            f"the voice lasts {total:.2f} s, so less than {shortest:g} s is left after {job.reference_start:.2f} s; "
            "start earlier"
        )
    return Part(job.reference_start, min(job.reference_start + longest, total), total)


def longest_clip(pipe: HarmonyPipeline) -> float:
    """How many seconds a clip can last."""
    return pipe.timeline.with_num_frames(pipe.config.max_num_frames).duration
