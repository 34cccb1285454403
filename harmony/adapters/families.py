"""Which public checkpoint a file is, told by its names."""

from __future__ import annotations

from typing import Literal

from harmony.adapters.keymap import Shapes, WrongCheckpoint, some

Family = Literal["Ovi", "Wan2.2", "Wan2.2 (diffusers)", "Harmony"]

_SIGNS: dict[Family, str] = {
    "Ovi": "video_model.blocks.0.cross_attn.k_fusion.weight",
    "Wan2.2": "blocks.0.self_attn.q.weight",
    "Wan2.2 (diffusers)": "blocks.0.attn1.to_q.weight",
    "Harmony": "blocks.0.video.attn1.to_q.weight",
}


def family_of(names: Shapes) -> Family:
    """The family of a transformer checkpoint.

    Raises:
        WrongCheckpoint: it is none that we know.
    """
    for family, sign in _SIGNS.items():
        if sign in names:
            return family
    raise WrongCheckpoint(
        f"this is no transformer of Ovi, Wan2.2 or Harmony (its first tensors are {some(list(names)[:3])})"
        if names
        else "this checkpoint holds no tensors"
    )
