"""What can be compared: each axis names a setting, reads its values as people write them, and turns them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from harmony.guidance import GuidanceConfig
from harmony.session.job import Job
from harmony.session.knobs import KnobKind

if TYPE_CHECKING:
    from harmony.pipeline import HarmonyPipeline

STRONGEST, MOST_STEPS = 30.0, 100

Value = float | int | str | tuple[float, float]


@dataclass(frozen=True)
class IntervalJob(Job):
    """A job whose guidance acts in one part of the steps only.

    Attributes:
        interval: the shares of the steps, 0 to 1, between which every guidance term acts.
    """

    interval: tuple[float, float] = (0.0, 1.0)

    def guidance(self, pipe: HarmonyPipeline) -> GuidanceConfig:
        config = super().guidance(pipe)
        start, stop = self.interval
        return replace(config, terms=tuple(replace(term, start=start, stop=stop) for term in config.terms))


@dataclass(frozen=True)
class Axis:
    """One setting that is varied.

    Attributes:
        name: for command lines and programs. label: for people.
        info: what a person will see or hear change, and the paper's term.
        hint: how values are written. suggested: values to begin with.
        read: a value from words; raises ``ValueError`` with one sentence.
        turn: a job with this value.
        show: a value in a few letters, as it stands under a clip.
        measured: whether values are amounts, whose distances mean something.
    """

    name: str
    label: str
    info: str
    hint: str
    suggested: str
    read: Callable[[str], Any]
    turn: Callable[[Job, Any], Job]
    show: Callable[[Any], str]
    measured: bool = True


# -- values from words ---------------------------------------------------------------------------


def _strength(word: str) -> float:
    value = _number(word)
    if not 0 <= value <= STRONGEST:
        raise ValueError(f"A strength lies between 0 and {STRONGEST:g}; '{word}' does not")
    return value


def _steps(word: str) -> int:
    value = _number(word)
    if value != int(value) or not 1 <= value <= MOST_STEPS:
        raise ValueError(f"Steps are whole numbers from 1 to {MOST_STEPS}; '{word}' is not")
    return int(value)


def _kind(word: str) -> str:
    kinds = get_args(KnobKind)
    if word.lower() not in kinds:
        raise ValueError(f"A kind of guidance is {', '.join(kinds[:-1])} or {kinds[-1]}; '{word}' is not")
    return word.lower()


def _interval(word: str) -> tuple[float, float]:
    start, dash, stop = word.replace("–", "-").partition("-")
    if not dash:
        raise ValueError(f"An interval has a start and an end, such as 0-0.5; '{word}' has not")
    shares = _number(start), _number(stop)
    if not 0 <= shares[0] < shares[1] <= 1:
        raise ValueError(f"An interval goes from one share of the steps to a later one, such as 0-0.5; got '{word}'")
    return shares


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if value != value:
        raise ValueError(f"'{word.strip()}' is no number; write numbers like 1.5, with commas between them")
    return value


# -- the axes ------------------------------------------------------------------------------------


def _strength_axis(name: str, label: str, info: str, *knobs: str, suggested: str, short: str) -> Axis:
    def turn(job: Job, value: float) -> Job:
        return replace(job, knobs=replace(job.knobs, **dict.fromkeys(knobs, value)))

    hint = "2 to 6 strengths with commas between them; 1 is off."
    return Axis(name, label, info, hint, suggested, _strength, turn, lambda value: f"{short} {value:g}")


def _percents(shares: tuple[float, float]) -> str:
    return f"{shares[0] * 100:g}–{shares[1] * 100:g} %"


_PAIR = "1, 2, 3, 5"
AXES: dict[str, Axis] = {
    axis.name: axis
    for axis in (
        _strength_axis(
            "both", "Picture and sound strength", "How closely picture and sound follow each other (SyncCFG's scales).",
            "video_scale", "audio_scale", suggested=_PAIR, short="strength",
        ),
        _strength_axis(
            "video", "Picture strength", "How closely the picture follows the sound (SyncCFG's video scale).",
            "video_scale", suggested=_PAIR, short="picture",
        ),
        _strength_axis(
            "audio", "Sound strength", "How closely the sound follows the picture (SyncCFG's audio scale).",
            "audio_scale", suggested=_PAIR, short="sound",
        ),
        _strength_axis(
            "text", "Text strength", "How closely the clip follows your words (classifier-free guidance).",
            "text_scale", suggested="1, 2, 3, 5", short="text",
        ),
        Axis(
            "kind", "Kind of guidance", "What the clip is pushed away from: silence and a still picture (SyncCFG), or "
            "streams that do not see each other (isolated).",
            "Some of sync, isolated and none, with commas between them.", "none, sync, isolated", _kind,
            lambda job, kind: replace(job, knobs=replace(job.knobs, kind=kind)),
            lambda kind: {"sync": "SyncCFG", "isolated": "isolated", "none": "none"}[kind], measured=False,
        ),
        Axis(
            "interval", "When guidance acts", "In which part of the steps every guidance acts (guidance interval): "
            "early steps lay out the clip, late ones draw its details.",
            "2 to 6 parts of the steps, 0 their beginning and 1 their end: 0-0.5 is the first half.",
            "0-1, 0-0.5, 0.5-1", _interval, lambda job, shares: IntervalJob(**vars(job), interval=shares), _percents,
            measured=False,
        ),
        Axis(
            "steps", "Steps", "How often the model looks again: more steps take longer and look cleaner.",
            f"2 to 6 whole numbers up to {MOST_STEPS}, with commas between them.", "5, 10, 20", _steps,
            lambda job, steps: replace(job, steps=steps), lambda steps: f"{steps} step{'s' * (steps != 1)}",
        ),
    )
}  # fmt: skip
