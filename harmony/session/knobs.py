"""The few guidance settings that people meet, and how they change a checkpoint's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from harmony.guidance import GuidanceConfig, GuidanceTerm

KnobKind = Literal["sync", "isolated", "none"]


@dataclass(frozen=True)
class Knobs:
    """Guidance as sliders show it. ``None`` leaves the checkpoint's own choice.

    Attributes:
        kind: ``sync`` (SyncCFG), ``isolated`` (streams that do not see each other) or ``none``.
        video_scale, audio_scale: strength of ``kind`` per stream; 1 is off.
        text_scale: strength of the captions; 1 is off.
        start, stop: the share of the steps in which ``kind`` acts; 0 to 1 is always.
    """

    kind: KnobKind | None = None
    video_scale: float | None = None
    audio_scale: float | None = None
    text_scale: float | None = None
    start: float | None = None
    stop: float | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in get_args(KnobKind):
            raise ValueError(f"guidance must be one of {', '.join(get_args(KnobKind))}; got '{self.kind}'")
        start, stop = self.start or 0.0, 1.0 if self.stop is None else self.stop
        if not 0 <= start < stop <= 1:
            raise ValueError(f"guidance acts from one share of the steps to a later one, got {start:g} to {stop:g}")

    @classmethod
    def of(cls, config: GuidanceConfig) -> Knobs:
        """Where a checkpoint's guidance stands; scales of a guidance that is off stand at the paper's 3 and 2."""
        pair = _first(config, "sync") or _first(config, "isolated")
        text = _first(config, "text")
        text_scale = text.video_scale if text else 1.0
        if pair is None:
            return cls("none", 3.0, 2.0, text_scale, 0.0, 1.0)
        return cls(pair.kind, pair.video_scale, pair.audio_scale, text_scale, pair.start, pair.stop)

    def applied_to(self, config: GuidanceConfig) -> GuidanceConfig:
        """The checkpoint's guidance with these knobs turned; what no knob shows stays as it is."""
        was = Knobs.of(config)
        wanted = self._filled(was)
        terms = config.terms
        if replace(wanted, text_scale=None) != replace(was, text_scale=None):
            span = dict(start=wanted.start, stop=wanted.stop)
            terms = _replaced(terms, ("sync", "isolated"), wanted.kind, wanted.video_scale, wanted.audio_scale, **span)
        if wanted.text_scale != was.text_scale:
            terms = _replaced(terms, ("text",), "text", wanted.text_scale, wanted.text_scale)
        return replace(config, terms=terms)

    def _filled(self, was: Knobs) -> Knobs:
        """Every knob set. Who turns a strength where guidance is off wants SyncCFG, for that stream."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if was.kind == "none" and self.kind is None and given.keys() & {"video_scale", "audio_scale"}:
            was = replace(was, kind="sync", video_scale=1.0, audio_scale=1.0)
        return replace(was, **given)


@dataclass(frozen=True)
class Defaults:
    """What a checkpoint asks for when nobody says otherwise.

    Attributes:
        knobs, steps: of its guidance.
        seconds, longest: of its clips: the usual length, and the longest; ``None`` where it does not say.
        timed_words: whether it can be told when each word is said.
    """

    knobs: Knobs
    steps: int
    seconds: float | None = None
    longest: float | None = None
    timed_words: bool = True

    @classmethod
    def of(cls, config: GuidanceConfig, **clip: Any) -> Defaults:
        """Those of a checkpoint's guidance; ``clip``: the attributes that the guidance does not tell."""
        return cls(Knobs.of(config), config.num_inference_steps, **clip)


def _first(config: GuidanceConfig, kind: str) -> GuidanceTerm | None:
    return next((term for term in config.terms if term.kind == kind), None)


def _replaced(
    terms: tuple[GuidanceTerm, ...],
    old: tuple[str, ...],
    kind: str,
    video_scale: float,
    audio_scale: float,
    **span: float,
) -> tuple[GuidanceTerm, ...]:
    """Put one term in place of those of the kinds ``old``; without a ``span`` over the same part of the steps."""
    before = next((term for term in terms if term.kind in old), None)
    kept = tuple(term for term in terms if term.kind not in old)
    if kind == "none" or video_scale == audio_scale == 1.0:
        return kept
    if before and not span:
        span = dict(start=before.start, stop=before.stop)
    return (*kept, GuidanceTerm(kind, video_scale, audio_scale, **span))
