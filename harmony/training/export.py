"""From a run's averaged weights to a checkpoint that people open: diffusers' folder layout, safetensors only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from harmony.data.home import cache_home
from harmony.guidance import GuidanceConfig
from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.pipeline import HarmonyPipeline
from harmony.training.checkpoint import CONFIG_NAME, TOKENIZER_FOLDER, fill, read_part, read_progress
from harmony.training.config import TrainingConfig
from harmony.training.trainee import Trainee, load_tokenizer
from harmony.training.trainer import open_cache

SHARD_SIZE = "15MB"
DTYPES: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def load_average(folder: str | Path) -> tuple[Trainee, TrainingConfig]:
    """The model of a run with its averaged weights, float32, ready to use.

    Raises:
        FileNotFoundError: if the run has not been saved yet.
    """
    folder = Path(folder)
    if read_progress(folder) is None:
        raise FileNotFoundError(f"there is no saved run in '{folder}'")
    config = TrainingConfig.load(folder / CONFIG_NAME)
    model = Trainee.build(config.model, load_tokenizer(folder / TOKENIZER_FOLDER))
    fill({name: p.data for name, p in model.named_parameters()}, read_part(folder, "ema"), where=folder)
    return model.eval(), config


def export_run(
    folder: str | Path,
    target: str | Path,
    *,
    dtype: Literal["bf16", "fp16", "fp32"] = "bf16",
    codec_dtype: Literal["fp16", "fp32"] = "fp16",
    codecs: str | Path | None = None,
    guidance: GuidanceConfig | None = None,
    license: str | None = "Apache-2.0",
) -> HarmonyPipeline:
    """Write a run as a checkpoint.

    Args:
        folder: of the run; target: where the checkpoint goes. A ``guidance_config.json`` that is there stays, and so do
            the heads that its ``model_index.json`` names for pointing.
        dtype: of transformer and text encoders; codec_dtype: of the codecs.
        codecs: folder with ``video`` and ``audio``; ``$HARMONY_CACHE/codecs`` if left out.
        guidance: sampling defaults for a target that has none yet.
        license: of the weights.

    Returns:
        The pipeline that was written, in the exported precision.
    """
    model, config = load_average(folder)
    codecs = Path(codecs) if codecs is not None else cache_home() / "codecs"
    info = open_cache(config.data.caches).info
    to = DTYPES[dtype]
    pipe = HarmonyPipeline(
        transformer=model.transformer.to(to),
        text_encoder=model.text_encoder.to(to),
        tokenizer=model.tokenizer,
        transcript_encoder=model.transcript_encoder.to(to),
        video_codec=PatchVideoCodec.from_pretrained(str(codecs / "video")).to(DTYPES[codec_dtype]),
        audio_codec=MelAudioCodec.from_pretrained(str(codecs / "audio")).to(DTYPES[codec_dtype]),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=config.loss.shift),
        num_frames=info.timeline.num_frames,
        max_num_frames=info.timeline.num_frames,
        height=info.height,
        width=info.width,
        license=license,
        pointing_heads=_named_heads(Path(target)),
    )
    has_defaults = (Path(target) / "guidance_config.json").is_file()
    pipe.guidance = GuidanceConfig.load(target) if has_defaults else guidance or first_guidance(config)
    pipe.save_pretrained(target, max_shard_size=SHARD_SIZE)
    return pipe


def _named_heads(target: Path) -> list[list[int]] | None:
    """The heads that an earlier checkpoint in ``target`` names as pointing at sources."""
    index = target / "model_index.json"
    return json.loads(index.read_text(encoding="utf-8")).get("pointing_heads") if index.is_file() else None


def first_guidance(config: TrainingConfig) -> GuidanceConfig:
    """Defaults until a sweep on validation cases has found better ones: no guidance, the shift of the training."""
    return GuidanceConfig(terms=(), num_inference_steps=25, shift=config.loss.shift)
