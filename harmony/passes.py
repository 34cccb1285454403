"""What each pass of a guided step shows the model: the joint pass, and the nulls that guidance pushes away from.

Shape letters: B clips, C latent channels, T video latents, h, w latent height and width, A audio latents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from harmony.guidance import GuidanceConfig, Null
from harmony.models.conditioning import Conditioning, Streams

_SOUND_TEXT = ("audio_caption", "transcript", "timing")
_TEXT = ("video_caption", *_SOUND_TEXT)


class VelocityModel(Protocol):
    """What the sampler asks of a model; :class:`~harmony.models.transformer.HarmonyTransformer` answers it."""

    def __call__(
        self,
        video: Tensor,
        audio: Tensor,
        *,
        timestep_video: Tensor,
        timestep_audio: Tensor,
        conditioning: Conditioning,
        frame_rate: float | None = None,
        interaction: Tensor | None = None,
        skip_layers: Sequence[int] = (),
        skip_mask: Tensor | None = None,
        recorder: Any | None = None,
    ) -> Streams: ...


@dataclass(frozen=True)
class PassInput:
    """One forward pass: latents (B, C, T, h, w) and (B, C, A), timesteps (B,) or per latent, and the switches."""

    video: Tensor
    audio: Tensor
    timestep_video: Tensor
    timestep_audio: Tensor
    conditioning: Conditioning
    interaction: bool = True
    skip: bool = False


@dataclass(frozen=True)
class Anchors:
    """What the nulls are made of. Codecs make them; a null that is not needed may be left out.

    Attributes:
        silence: (1 or B, C, A) latents of a zero waveform, SyncCFG's mute anchor.
        static: (1 or B, C, T, h, w) latents of the first frame held still, SyncCFG's static anchor.
        static_from: where no first frame is known: maps the clean video predicted at this step to ``static``.
        no_text: what stands for "no text" (negative captions, or the empty text of umT5); ``None``: text is emptied.
    """

    silence: Tensor | None = None
    static: Tensor | None = None
    static_from: Callable[[Tensor], Tensor] | None = None
    no_text: Conditioning | None = None

    def static_latents(self, clean_video: Callable[[], Tensor]) -> Tensor:
        """The static anchor: the known first frame held still, else one made from the predicted clean video."""
        if self.static is not None:
            return self.static
        if self.static_from is None:
            raise ValueError("SyncCFG needs a static anchor: give the codec's static latents or a map that makes them")
        return self.static_from(clean_video())

    @property
    def static_needs_prediction(self) -> bool:
        return self.static is None


def null_input(
    null: Null,
    joint: PassInput,
    *,
    anchors: Anchors,
    config: GuidanceConfig,
    clean_video: Callable[[], Tensor],
) -> PassInput:
    """The joint (or driven) pass with one thing taken away.

    - ``mute`` (Eq. 9, for the video): clean silence at t_a = 0; nobody speaks, the caption of the picture stays.
    - ``static`` (Eq. 10, for the audio): the first frame held still at t_v = 0; transcript and captions stay.
    - ``isolated``: the streams do not see each other.
    - ``no_text``, ``no_reference``: those conditions emptied.
    - ``skip_layer``: some layers left out.

    Args:
        null: which one.
        joint: the pass with everything.
        anchors: silence, still picture and empty text.
        config: ``anchor_text``, ``mute_transcript`` and ``text_skips_layers``.
        clean_video: gives the clean video predicted at this step, (B, C, T, h, w); asked only if it is needed.
    """
    if null == "mute":
        return _mute(joint, anchors, config)
    if null == "static":
        still = anchors.static_latents(clean_video).expand_as(joint.video)
        text = _TEXT if config.anchor_text == "null" else ()
        return replace(
            joint,
            video=still.to(joint.video),
            timestep_video=torch.zeros_like(joint.timestep_video),
            conditioning=without_text(joint.conditioning, text, anchors.no_text),
        )
    if null == "isolated":
        return replace(joint, interaction=False)
    if null == "no_text":
        told = without_text(joint.conditioning, _TEXT, anchors.no_text)
        return replace(joint, conditioning=told, skip=config.text_skips_layers)
    if null == "no_reference":
        return replace(joint, conditioning=joint.conditioning.without("reference"))
    if null == "skip_layer":
        return replace(joint, skip=True)
    raise ValueError(f"there is no guidance null named '{null}'")


def _mute(joint: PassInput, anchors: Anchors, config: GuidanceConfig) -> PassInput:
    if anchors.silence is None:
        raise ValueError("SyncCFG needs a mute anchor: give the audio codec's latents of silence")
    text: tuple[str, ...] = _SOUND_TEXT if config.mute_transcript == "null" else ()
    if config.anchor_text == "null":
        text = _TEXT
    return replace(
        joint,
        audio=anchors.silence.expand_as(joint.audio).to(joint.audio),
        timestep_audio=torch.zeros_like(joint.timestep_audio),
        conditioning=without_text(joint.conditioning, text, anchors.no_text),
    )


def without_text(conditioning: Conditioning, names: Sequence[str], no_text: Conditioning | None) -> Conditioning:
    """The conditions with the named texts replaced by ``no_text``'s, or emptied where it has none."""
    emptied = conditioning.without(*names)
    if no_text is None:
        return emptied
    changes: dict[str, Tensor] = {}
    for name in names:
        if getattr(no_text, name) is None or getattr(conditioning, name) is None:
            continue
        changes[name] = getattr(no_text, name)
        mask = getattr(no_text, f"{name}_mask", None)
        if mask is not None:
            changes[f"{name}_mask"] = mask
    return replace(emptied, **changes)


def changes_nothing(null: Null, conditioning: Conditioning) -> bool:
    """Whether a null equals the joint pass, because what it takes away is not there; such a pass need not run."""
    if null == "no_reference":
        return conditioning.reference is None
    return null == "no_text" and all(getattr(conditioning, name) is None for name in _TEXT)


# -- running passes ------------------------------------------------------------------------------


def run_passes(
    model: VelocityModel,
    passes: Mapping[str, PassInput],
    *,
    batched: bool,
    skip_layers: Sequence[int] = (),
    frame_rate: float | None = None,
    recorder: Any | None = None,
) -> dict[str, Streams]:
    """Velocities of every pass in float32, either from one batch of all passes or one pass after the other.

    A recorder is shown the first pass: its clips come first in the batch, and the recorder keeps those it was made for.
    """
    if not passes:
        return {}
    inputs = list(passes.values())
    groups = [inputs] if batched else [[one] for one in inputs]
    outputs: list[Streams] = []
    for index, group in enumerate(groups):
        shown = recorder if index == 0 else None
        outputs += _run_group(model, group, skip_layers=skip_layers, frame_rate=frame_rate, recorder=shown)
    return dict(zip(passes, outputs, strict=True))


def _run_group(
    model: VelocityModel,
    group: list[PassInput],
    *,
    skip_layers: Sequence[int],
    frame_rate: float | None,
    recorder: Any | None,
) -> list[Streams]:
    clips = group[0].video.shape[0]
    device = group[0].video.device

    def per_clip(switches: list[bool]) -> Tensor:
        return torch.tensor(switches, device=device).repeat_interleave(clips)

    isolated, skipped = [not p.interaction for p in group], [p.skip for p in group]
    velocity = model(
        torch.cat([p.video for p in group]),
        torch.cat([p.audio for p in group]),
        timestep_video=torch.cat([p.timestep_video for p in group]),
        timestep_audio=torch.cat([p.timestep_audio for p in group]),
        conditioning=Conditioning.cat([p.conditioning for p in group]),
        frame_rate=frame_rate,
        interaction=~per_clip(isolated) if any(isolated) else None,
        skip_layers=tuple(skip_layers) if any(skipped) else (),
        skip_mask=per_clip(skipped) if any(skipped) else None,
        recorder=recorder,
    )
    video, audio = velocity.video.float().split(clips), velocity.audio.float().split(clips)
    return [Streams(v, a) for v, a in zip(video, audio, strict=True)]
