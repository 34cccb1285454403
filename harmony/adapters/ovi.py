"""Ovi's released layout and ours: two Wan towers, and in each the keys and values of the other stream.

Ovi has no query and no output projection for the interaction: it shares the text attention's. ``HarmonyConfig.ovi()``
does so too and has Ovi's 2073 tensors one to one. A model with projections of its own (``share_text_qo=False``) starts
from copies and computes the same: q_av = q, norm_q_av = norm_q, norm_av = norm3, o_av.weight = o.weight, o_av.bias = 0.
"""

from __future__ import annotations

from harmony.adapters.keymap import KeyMap, Shapes, parameters
from harmony.adapters.wan import BOTH, PATCHES, WEIGHT, in_stream, stream_pairs
from harmony.models.config import HarmonyConfig

# Ovi's tower, our stream, and the direction of which it is the receiver.
TOWERS = (("video_model", "video", "a2v"), ("audio_model", "audio", "v2a"))

AUDIO_PATCHES = (
    ("patch_embedding.0", "patch_embedding.0", BOTH),
    *((f"patch_embedding.2.{w}", f"patch_embedding.2.{w}", WEIGHT) for w in ("w1", "w2", "w3")),
)
OTHER_STREAM = (
    ("cross_attn.k_fusion", "to_k", BOTH),
    ("cross_attn.v_fusion", "to_v", BOTH),
    ("cross_attn.norm_k_fusion", "norm_k", WEIGHT),
    ("cross_attn.pre_attn_norm_fusion", "norm_source", BOTH),
)
LENT = (  # from the text attention, where the interaction has projections of its own
    ("cross_attn.q", "to_q", BOTH),
    ("cross_attn.norm_q", "norm_q", WEIGHT),
    ("cross_attn.o", "to_out.0", WEIGHT),
    ("norm3", "norm", BOTH),
)
# Parts that Ovi has not; a model that is to be trained further may have them.
NEW_PARTS = {"attn_transcript", "style", "cross_time_proj", "timing_proj", "null_reference"}


def ovi_map(target: Shapes, config: HarmonyConfig) -> KeyMap:
    """Ovi to a model of ``config``, which is :meth:`HarmonyConfig.ovi` with or without changes.

    Args:
        target: names of our model.
        config: of our model.
    """
    pairs, zeros = [], set()
    for tower, stream, direction in TOWERS:
        patches = PATCHES if stream == "video" else AUDIO_PATCHES
        names = stream_pairs(config.num_layers, modulation="modulation.modulation", patches=patches)
        pairs += [(f"{tower}.{ovi}", in_stream(ours, stream)) for ovi, ours in names]
        parts = OTHER_STREAM if config.share_text_qo else OTHER_STREAM + LENT
        for n in range(config.num_layers):
            for ovi, ours, kinds in parts:
                pairs += parameters(f"{tower}.blocks.{n}.{ovi}", f"blocks.{n}.{direction}.{ours}", kinds)
            if not config.share_text_qo:
                zeros.add(f"blocks.{n}.{direction}.to_out.0.bias")
    fresh = frozenset(name for name in target if NEW_PARTS.intersection(name.split(".")))
    return KeyMap("Ovi", tuple(pairs), frozenset(zeros), fresh)


def to_ovi_map(config: HarmonyConfig) -> KeyMap:
    """Our model back to Ovi's names; only for a model that shares the text attention's projections and has no new part.

    Raises:
        WrongCheckpoint: where Ovi has no place for what the model learned.
    """
    return ovi_map({}, config).inverse("Harmony")
