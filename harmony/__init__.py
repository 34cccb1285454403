"""Harmony: a video and its sound, made together. An independent, open implementation of arXiv 2511.21579."""

import importlib

from harmony import _compat
from harmony._version import __version__

_compat.use_torchaudio_without_extension()
_compat.keep_freed_memory()
_compat.list_tensor_makers()

# What checkpoints name as ["harmony", class] in their model_index.json.
COMPONENTS = {
    "HarmonyTransformer": "harmony.models.transformer",
    "CaptionEncoder": "harmony.models.text",
    "CaptionTokenizer": "harmony.models.text",
    "TranscriptEncoder": "harmony.models.transcript",
    "PatchVideoCodec": "harmony.models.codecs.video",
    "MelAudioCodec": "harmony.models.codecs.audio",
    "WanVideoCodec": "harmony.models.codecs.wan",
    "MMAudioCodec": "harmony.models.codecs.mmaudio",
    "OobleckAudioCodec": "harmony.models.codecs.oobleck",
}
_LAZY = {
    **COMPONENTS,
    "Generation": "harmony.generation",
    "GenerationRequest": "harmony.generation",
    "GuidanceConfig": "harmony.guidance",
    "GuidanceTerm": "harmony.guidance",
    "HarmonyConfig": "harmony.models.config",
    "HarmonyPipeline": "harmony.pipeline",
    "Timeline": "harmony.timeline",
    # diffusers looks for a component's base class beside the component.
    "ModelMixin": "diffusers",
    "SchedulerMixin": "diffusers",
    "PreTrainedTokenizerFast": "transformers",
}

__all__ = ["COMPONENTS", "__version__", *_LAZY]


def __getattr__(name: str) -> object:
    """Import public classes when they are asked for: ``import harmony`` alone stays quick."""
    if name not in _LAZY:
        raise AttributeError(f"module 'harmony' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
