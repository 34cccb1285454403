"""What a checkpoint was trained for, and honest words where somebody asks for more.

Ovi's released weights were trained to make a film and its sound together, with or without a first frame. They never saw
one stream clean while the other was noisy, nor a reference voice. Everything runs on them; not everything works well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, get_args

from harmony.conditions import Conditions
from harmony.guidance import GuidanceConfig

Ability = Literal["first_frame", "audio_to_video", "video_to_audio", "reference", "sync"]
RAW_OVI: tuple[Ability, ...] = ("first_frame",)

_CAUTIONS: dict[Ability, str] = {
    "first_frame": "These weights were not trained with a given first frame; the clip may not go on from it.",
    "audio_to_video": "These weights never saw a clean sound beside a noisy film: the picture may follow it "
    "loosely or not at all before fine-tuning.",
    "video_to_audio": "These weights never saw a clean film beside a noisy sound: the sound may follow it "
    "loosely or not at all before fine-tuning.",
    "reference": "These weights never heard a reference voice: it is appended as DreamID-Omni does, and its timbre "
    "may not be copied before fine-tuning.",
    "sync": "These weights never saw SyncCFG's anchors (silence, a still picture); 'isolated' guidance needs no such "
    "training and suits them better.",
}


def cautions(
    conditions: Conditions, guidance: GuidanceConfig, trained_for: Collection[Ability] | None
) -> tuple[str, ...]:
    """One sentence for each thing that is asked of weights which were not trained for it.

    Args:
        conditions, guidance: of the request.
        trained_for: from the checkpoint; ``None`` means everything.
    """
    if trained_for is None:
        return ()
    return tuple(_CAUTIONS[ability] for ability in _asked(conditions, guidance) if ability not in trained_for)


def _asked(conditions: Conditions, guidance: GuidanceConfig) -> Iterator[Ability]:
    asked: dict[Ability, bool] = {
        "first_frame": conditions.image is not None,
        "audio_to_video": conditions.audio is not None,
        "video_to_audio": conditions.video is not None,
        "reference": conditions.reference_audio is not None,
        "sync": any(term.kind == "sync" and (term.video_scale, term.audio_scale) != (1, 1) for term in guidance.terms),
    }
    return (ability for ability in get_args(Ability) if asked[ability])
