"""Wan2.2-TI2V-5B as our video stream, from its own files or from diffusers'.

diffusers' names are ours: ``blocks.N.X`` is ``blocks.N.video.X``, any other ``X`` is ``video.X``.
"""

from __future__ import annotations

from typing import Literal

from harmony.adapters.keymap import KeyMap, Shapes, parameters

BOTH, WEIGHT = ("weight", "bias"), ("weight",)

# Wan's module, diffusers' module, parameters. Note that Wan counts its second norm as the third.
ENDS = (
    ("text_embedding.0", "condition_embedder.text_embedder.linear_1", BOTH),
    ("text_embedding.2", "condition_embedder.text_embedder.linear_2", BOTH),
    ("time_embedding.0", "condition_embedder.time_embedder.linear_1", BOTH),
    ("time_embedding.2", "condition_embedder.time_embedder.linear_2", BOTH),
    ("time_projection.1", "condition_embedder.time_proj", BOTH),
    ("head.head", "proj_out", BOTH),
)
PATCHES = (("patch_embedding", "patch_embedding", BOTH),)
LAYER = (
    ("norm3", "norm2", BOTH),
    ("ffn.0", "ffn.net.0.proj", BOTH),
    ("ffn.2", "ffn.net.2", BOTH),
    *(
        (f"{theirs}.{part}", f"{ours}.{name}", kinds)
        for theirs, ours in (("self_attn", "attn1"), ("cross_attn", "attn2"))
        for part, name, kinds in (
            ("q", "to_q", BOTH),
            ("k", "to_k", BOTH),
            ("v", "to_v", BOTH),
            ("o", "to_out.0", BOTH),
            ("norm_q", "norm_q", WEIGHT),
            ("norm_k", "norm_k", WEIGHT),
        )
    ),
)

WanLayout = Literal["original", "diffusers"]


def stream_pairs(num_layers: int, *, modulation: str = "modulation", patches: tuple = PATCHES) -> list[tuple[str, str]]:
    """One Wan tower: pairs of Wan's own name and diffusers' name.

    Args:
        num_layers: of the tower.
        modulation: what a layer's table is called (Ovi wraps it once more).
        patches: the modules that embed latents.
    """
    pairs = [("head.modulation", "scale_shift_table")]
    for theirs, ours, kinds in (*patches, *ENDS):
        pairs += parameters(theirs, ours, kinds)
    for n in range(num_layers):
        pairs.append((f"blocks.{n}.{modulation}", f"blocks.{n}.scale_shift_table"))
        for theirs, ours, kinds in LAYER:
            pairs += parameters(f"blocks.{n}.{theirs}", f"blocks.{n}.{ours}", kinds)
    return pairs


def in_stream(name: str, stream: str) -> str:
    """A diffusers name as the name in one of our streams: ``blocks.3.X`` to ``blocks.3.video.X``."""
    if name.startswith("blocks."):
        blocks, layer, rest = name.split(".", 2)
        return f"{blocks}.{layer}.{stream}.{rest}"
    return f"{stream}.{name}"


def wan_map(target: Shapes, *, num_layers: int, layout: WanLayout) -> KeyMap:
    """Wan2.2 to our video stream. Fresh is what Wan has not: the sound, the interaction, the view of the other's time.

    Args:
        target: names of our model.
        num_layers: of our model.
        layout: names of the source: Wan's own, or diffusers'.
    """
    names = stream_pairs(num_layers)
    pairs = [(wan if layout == "original" else diffusers, in_stream(diffusers, "video")) for wan, diffusers in names]
    return KeyMap("Wan2.2", tuple(pairs), fresh=frozenset(name for name in target if _is_new(name)))


def _is_new(name: str) -> bool:
    parts = name.split(".")
    of_video = parts[0] == "video" or parts[2:3] == ["video"]
    return not of_video or "cross_time_proj" in parts
