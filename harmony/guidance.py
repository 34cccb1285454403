"""Guidance as a list of terms: what a prediction is pushed away from, how strongly, and when.

Each term names a *null*: a second prediction from which one thing was taken away. Per stream

    prediction = joint + sum_i (scale_i - 1) (joint - null_i)

SyncCFG (the paper's Eqs. 9 and 10) is the list with one ``sync`` term; text guidance (Eq. 8), LTX-2's and UniAVGen's
isolation, reference guidance and skip-layer guidance are other entries of the same list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic.dataclasses import dataclass
from torch import Tensor

from harmony.models.conditioning import Streams

GuidanceKind = Literal["sync", "isolated", "text", "reference", "skip_layer"]
Null = Literal["mute", "static", "isolated", "no_text", "no_reference", "skip_layer"]
Solver = Literal["euler", "unipc"]

CONFIG_NAME = "guidance_config.json"
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class GuidanceTerm:
    """One thing to push away from, over a part of the steps.

    Attributes:
        kind: ``sync`` (SyncCFG's mute and static anchors), ``isolated`` (the streams do not see each other),
            ``text`` (no captions, no transcript), ``reference`` (no reference voice), ``skip_layer`` (layers left out).
        video_scale, audio_scale: strength per stream; 1 costs nothing, 0 gives the null itself.
        start, stop: the share of the steps in which the term acts, ``start <= step / steps < stop``.
    """

    kind: GuidanceKind
    video_scale: float = Field(ge=0.0, le=30.0)
    audio_scale: float = Field(ge=0.0, le=30.0)
    start: float = Field(default=0.0, ge=0.0, le=1.0)
    stop: float = Field(default=1.0, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> GuidanceTerm:
        if self.start > self.stop:
            raise ValueError(f"a guidance term must stop after it starts, got {self.start} to {self.stop}")
        return self

    def acts_at(self, step: int, num_steps: int) -> bool:
        """Whether the term acts in step ``step`` (from 0) of ``num_steps``."""
        return self.start <= step / num_steps < self.stop


@dataclass(frozen=True, config=_STRICT)
class GuidanceConfig:
    """How a checkpoint wants to be sampled: its defaults live beside it in ``guidance_config.json``.

    Attributes:
        terms: what to push away from; an empty list is the plain joint prediction.
        rescale: 0 to 1, how far the guided clean prediction is brought back to the joint one's spread.
        anchor_text: ``same`` keeps the conditions in SyncCFG's anchors (the paper's Eqs. 9 and 10 to the letter),
            ``null`` takes all text out of them, so that one difference carries text and synchronization.
        mute_transcript: ``null`` takes transcript, timing and sound caption out of the mute anchor (nobody speaks in a
            silent clip), ``same`` leaves them.
        static_anchor: where the still picture comes from when no first frame is given: ``prediction`` (the clean clip
            predicted at this step, through the codec's cheap map) or ``grey`` (one cached grey clip).
        num_inference_steps, shift, solver: of the sampler.
        sigma_max: the first noise level before shifting; 0.999 is Wan's and Ovi's own schedule.
        whole_timesteps: the model is shown whole timesteps, rounded down: what Wan's and Ovi's own samplers do.
        skip_layers: the layers that ``skip_layer`` leaves out.
        text_skips_layers: the null of ``text`` leaves them out too: Ovi's guidance, two nulls in one pass.
    """

    terms: tuple[GuidanceTerm, ...] = ()
    rescale: float = Field(default=0.0, ge=0.0, le=1.0)
    anchor_text: Literal["same", "null"] = "same"
    mute_transcript: Literal["null", "same"] = "null"
    static_anchor: Literal["prediction", "grey"] = "prediction"
    num_inference_steps: int = Field(default=40, ge=1, le=1000)
    shift: float = Field(default=5.0, gt=0.0, le=100.0)
    solver: Solver = "euler"
    sigma_max: float = Field(default=1.0, gt=0.0, le=1.0)
    whole_timesteps: bool = False
    skip_layers: tuple[int, ...] = ()
    text_skips_layers: bool = False

    @field_validator("terms", mode="before")
    @classmethod
    def _as_tuple(cls, terms: object) -> object:
        return tuple(terms) if isinstance(terms, list) else terms

    @model_validator(mode="after")
    def _names_layers_to_skip(self) -> GuidanceConfig:
        skips = self.text_skips_layers or any(term.kind == "skip_layer" for term in self.terms)
        if skips and not self.skip_layers:
            raise ValueError("skip_layer guidance needs skip_layers, the layers to leave out")
        return self

    @classmethod
    def paper(cls) -> GuidanceConfig:
        """The paper's settings: SyncCFG with scales 3 and 2, 40 steps, shift 5."""
        return cls(terms=(GuidanceTerm("sync", 3.0, 2.0),))

    @classmethod
    def ovi(cls) -> GuidanceConfig:
        """Ovi's settings: text guidance 4 and 3, the null without layer 11, UniPC, 50 steps, shift 5."""
        return cls(
            terms=(GuidanceTerm("text", 4.0, 3.0),), skip_layers=(11,), text_skips_layers=True, static_anchor="grey",
            num_inference_steps=50, shift=5.0, solver="unipc", sigma_max=0.999, whole_timesteps=True,
        )  # fmt: skip

    def to_json(self) -> str:
        return _CONFIG.dump_json(self, indent=2).decode()

    @classmethod
    def from_json(cls, text: str) -> GuidanceConfig:
        """Raises ``ValueError`` with one sentence if a field is unknown or out of range."""
        try:
            return _CONFIG.validate_json(text)
        except ValidationError as error:
            raise ValueError(f"these guidance settings cannot be read: {first_problem(error)}") from error

    def save(self, folder: str | Path) -> Path:
        """Write ``guidance_config.json`` into a checkpoint's folder."""
        path = Path(folder) / CONFIG_NAME
        path.write_text(self.to_json() + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, folder: str | Path) -> GuidanceConfig:
        """Read a checkpoint's defaults; a folder without the file gets the paper's settings."""
        path = Path(folder) / CONFIG_NAME
        return cls.from_json(path.read_text(encoding="utf-8")) if path.is_file() else cls.paper()


_CONFIG = TypeAdapter(GuidanceConfig)


def first_problem(error: ValidationError) -> str:
    """The first thing that pydantic found wrong, as words: where, and what."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]


# -- which passes a step needs -------------------------------------------------------------------

_NULLS: dict[GuidanceKind, tuple[Null, Null]] = {  # kind -> what its null is for (the video, the audio)
    "sync": ("mute", "static"),
    "isolated": ("isolated", "isolated"),
    "text": ("no_text", "no_text"),
    "reference": ("no_reference", "no_reference"),
    "skip_layer": ("skip_layer", "skip_layer"),
}


def null_weights(
    terms: Iterable[GuidanceTerm],
    *,
    step: int,
    num_steps: int,
    video: bool = True,
    audio: bool = True,
) -> dict[Null, Streams]:
    """The null passes of one step and their weights ``sum (scale - 1)`` per stream.

    Args:
        terms: the guidance list.
        step: from 0 to ``num_steps - 1``.
        video, audio: whether the stream is being made; a given stream needs no guidance.

    Returns:
        Only passes with a weight that is not zero; scale 1 therefore costs no pass.
    """
    weights: dict[Null, Streams] = {}
    for term in terms:
        if not term.acts_at(step, num_steps):
            continue
        for_video, for_audio = _NULLS[term.kind]
        if video:
            old = weights.get(for_video, Streams(0.0, 0.0))
            weights[for_video] = old._replace(video=old.video + term.video_scale - 1)
        if audio:
            old = weights.get(for_audio, Streams(0.0, 0.0))
            weights[for_audio] = old._replace(audio=old.audio + term.audio_scale - 1)
    return {null: weight for null, weight in weights.items() if weight.video or weight.audio}


def weights_of_each(found: Sequence[Mapping[Null, Streams]], *, device: torch.device) -> dict[Null, Streams]:
    """:func:`null_weights` of several clips as one: (B,) weights of every null that any of them needs."""
    nothing = Streams(0.0, 0.0)
    nulls = dict.fromkeys(null for weights in found for null in weights)
    return {
        null: Streams(*(
            torch.tensor([weights.get(null, nothing)[stream] for weights in found], device=device) for stream in (0, 1)
        ))
        for null in nulls
    }  # fmt: skip


def num_passes(terms: Sequence[GuidanceTerm], num_steps: int, *, video: bool = True, audio: bool = True) -> int:
    """Forward passes of a whole run, the joint ones included: what a request costs."""
    return sum(
        1 + len(null_weights(terms, step=s, num_steps=num_steps, video=video, audio=audio)) for s in range(num_steps)
    )


# -- the arithmetic ------------------------------------------------------------------------------


def combine(joint: Tensor, nulls: Mapping[Null, Tensor], weights: Mapping[Null, float | Tensor]) -> Tensor:
    """``joint + sum_i w_i (joint - null_i)`` in float32, for one stream.

    Written as ``(1 + sum w) joint - sum w null``, so that w = 0 returns the joint prediction and w = -1 the null,
    bit for bit.

    Args:
        joint: (B, ...); nulls: as large.
        weights: of each null, one number for all clips or (B,), one for each.
    """
    joint = joint.float()
    each = {null: _for_each_clip(weight, joint) for null, weight in weights.items()}
    total = 1.0 + sum(each.values())
    guided = joint if isinstance(total, float) and total == 1.0 else joint * total
    for null, weight in each.items():
        if isinstance(weight, Tensor) or weight:
            guided = guided - weight * nulls[null].float()
    return guided


def _for_each_clip(weight: float | Tensor, like: Tensor) -> float | Tensor:
    """A number as it is, (B,) as (B, 1, ...)."""
    return weight.view(-1, *[1] * (like.dim() - 1)) if isinstance(weight, Tensor) else weight


def rescale(guided: Tensor, joint: Tensor, amount: float) -> Tensor:
    """Bring the spread of a guided clean prediction back to the joint one's (arXiv 2305.08891, Eqs. 15 and 16).

    ``guided * (amount * std(joint) / std(guided) + 1 - amount)``, the spread taken over each clip. Guidance in clean
    space, as in LTX-2, because it is the clean picture that strong guidance overexposes.
    """
    if amount == 0.0:
        return guided
    dims = tuple(range(1, guided.dim()))
    spread = guided.std(dim=dims, keepdim=True).clamp_min(torch.finfo(guided.dtype).tiny)
    return guided * (amount * joint.std(dim=dims, keepdim=True) / spread + 1.0 - amount)
