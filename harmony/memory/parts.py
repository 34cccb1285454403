"""What the parts of a checkpoint weigh and what they need while they work, without opening their weights.

Shape letters: T video latents, h and w latent height and width.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, UMT5Config, UMT5EncoderModel

import harmony
from harmony.memory.quantize import Quantization, quantizable, quantized_bytes
from harmony.memory.track import Cost, Rehearsal
from harmony.memory.work import codec_cost, layers_cost, rehearsed, text_cost
from harmony.models.codecs.mmaudio import MMAudioCodec
from harmony.models.codecs.wan import WanVideoCodec
from harmony.models.config import HarmonyConfig
from harmony.models.transformer import HarmonyTransformer
from harmony.timeline import Timeline

# google/umt5-xxl, Wan's and Ovi's text encoder
UMT5_XXL = dict(d_model=4096, d_ff=10240, d_kv=64, num_heads=64, num_layers=24, vocab_size=256384, is_gated_act=True)
_SIZE = dict(height=64, width=64, num_frames=33)  # of a pipeline whose index says nothing
SMALL = 1e9  # bytes; a checkpoint below this needs no plan


@dataclass(frozen=True)
class ClipSize:
    """Pixels and frames of one clip."""

    height: int
    width: int
    num_frames: int

    def __str__(self) -> str:
        return f"{self.height} x {self.width} pixels, {self.num_frames} frames"


class Parts:
    """The parts of a checkpoint as empty modules.

    Args:
        transformer: its shape.
        video_codec, audio_codec, text_encoder: on the meta device; ``None`` where there is none.
        size: of a clip when nobody says otherwise.
    """

    def __init__(
        self,
        transformer: HarmonyConfig,
        *,
        video_codec: nn.Module,
        audio_codec: nn.Module | None,
        text_encoder: nn.Module,
        size: ClipSize,
    ) -> None:
        self.config, self.size = transformer, size
        self.video_codec, self.audio_codec, self.text_encoder = video_codec, audio_codec, text_encoder
        self._costs: dict[tuple, Cost] = {}
        if isinstance(text_encoder, UMT5EncoderModel) and text_encoder.shared.weight.is_meta:
            text_encoder.tie_weights()  # the meta device parts what is one tensor

    @classmethod
    def ovi(cls) -> Parts:
        """Ovi's released size, with all that belongs to it."""
        with torch.device("meta"):
            return cls(
                HarmonyConfig.ovi(),
                video_codec=WanVideoCodec(),
                audio_codec=MMAudioCodec(),
                text_encoder=UMT5EncoderModel(UMT5Config(**UMT5_XXL)),
                size=ClipSize(704, 704, 121),
            )

    @classmethod
    def of(cls, folder: str | Path) -> Parts:
        """Read from a checkpoint's folder: its configs alone, no weights.

        Raises:
            FileNotFoundError: there is no checkpoint, or it lacks a config.
        """
        folder = Path(folder)
        if not (folder / "model_index.json").is_file():
            raise FileNotFoundError(f"there is no checkpoint in {folder}: no model_index.json")
        index = _read(folder / "model_index.json")

        def part(name: str) -> nn.Module | None:
            library, kind = index.get(name) or (None, None)
            if kind is None:
                return None
            settings = _read(folder / name / "config.json")
            with torch.device("meta"):
                if library == "transformers":
                    return UMT5EncoderModel(UMT5Config.from_dict(settings))
                return getattr(harmony, kind).from_config(settings)

        return cls(
            part("transformer").shape,
            video_codec=part("video_codec"),
            audio_codec=part("audio_codec"),
            text_encoder=part("text_encoder"),
            size=ClipSize(*(index.get(name, default) for name, default in _SIZE.items())),
        )

    @classmethod
    def of_pipeline(cls, pipe: Any) -> Parts:
        """Of an open :class:`~harmony.pipeline.HarmonyPipeline`."""
        settings = pipe.config
        return cls(
            pipe.transformer.shape,
            video_codec=pipe.video_codec,
            audio_codec=pipe.audio_codec,
            text_encoder=pipe.text_encoder,
            size=ClipSize(settings.height, settings.width, settings.num_frames),
        )

    @cached_property
    def transformer(self) -> HarmonyTransformer:
        with torch.device("meta"):
            return HarmonyTransformer.from_harmony_config(self.config)

    @cached_property
    def _rehearsed_pictures(self) -> Rehearsal:
        return rehearsed(self.video_codec)

    @property
    def is_small(self) -> bool:
        """Whether every card is large enough for it as it is."""
        models = self.transformer, self.text_encoder, self.video_codec, self.audio_codec
        return sum(weight_bytes(model, dtype=torch.float32) for model in models) < SMALL

    def timeline(self, num_frames: int) -> Timeline:
        """The clock of a clip."""
        config = self.config
        return Timeline(
            num_frames=num_frames, frame_rate=config.frame_rate, temporal_stride=config.temporal_stride,
            audio_latent_rate=config.audio_latent_rate,
        )  # fmt: skip

    def latent_size(self, size: ClipSize) -> tuple[int, int, int]:
        """T, h and w of a clip.

        Raises:
            ValueError: the model cannot make clips of this size.
        """
        side, (_, patch_h, patch_w) = self.video_codec.spatial_stride, self.config.patch_size
        for name, pixels, step in (("height", size.height, side * patch_h), ("width", size.width, side * patch_w)):
            if pixels % step or pixels < step:
                raise ValueError(f"{name} must be a multiple of {step} for this model, got {pixels}")
        return self.timeline(size.num_frames).num_video_latents, size.height // side, size.width // side

    def denoise_cost(self, size: ClipSize, *, clips: int, dtype: torch.dtype) -> Cost:
        """One forward pass of the transformer for ``clips`` clips at once (the passes of a guided step)."""
        grid, audio = self.latent_size(size), self.timeline(size.num_frames).num_audio_latents
        one, two = (layers_cost(replace(self.config, num_layers=n), grid, audio, clips, dtype) for n in (1, 2))
        layers = self.config.num_layers
        return Cost(two.peak_bytes, one.operations + (layers - 1) * (two.operations - one.operations))

    def int8_bytes(self, size: ClipSize, *, clips: int) -> int:
        """What 8-bit layers need beside a pass in bf16: the largest product in int32, and what goes into it in int8."""
        (t, h, w), audio = self.latent_size(size), self.timeline(size.num_frames).num_audio_latents
        step_t, step_h, step_w = self.config.patch_size
        pictures = (t // step_t) * (h // step_h) * (w // step_w)
        return clips * max(
            (pictures if "video" in name.split(".") else audio) * (4 * linear.out_features + linear.in_features)
            for name, linear in quantizable(self.transformer, "int8")
        )

    def decode_cost(self, size: ClipSize, *, tiling: bool = False) -> Cost:
        """Pictures from latents, in float32. Tiled: all finished tiles, and one at work or the picture put together."""
        return self._remember(("decode", size, tiling), lambda: self._video_cost("decode", size, tiling=tiling))

    def encode_cost(self, size: ClipSize, *, tiling: bool = False) -> Cost:
        """Latents of a whole clip, in float32: of a given film, or of a still one for guidance."""
        return self._remember(("encode", size, tiling), lambda: self._video_cost("encode", size, tiling=tiling))

    def sound_cost(self, size: ClipSize) -> Cost:
        """A waveform from latents, in float32."""
        if self.audio_codec is None:
            return Cost(0, 0)
        audio = self.timeline(size.num_frames).num_audio_latents
        latents = (1, self.audio_codec.latent_channels, audio)
        return self._remember(("sound", audio), lambda: codec_cost(rehearsed(self.audio_codec), "decode", latents))

    def text_cost(self, *, dtype: torch.dtype) -> Cost:
        """All captions of a request at once."""
        if not isinstance(self.text_encoder, UMT5EncoderModel):
            return Cost(0, 0)
        return self._remember(("text", dtype), lambda: self._text_cost(dtype))

    def _text_cost(self, dtype: torch.dtype) -> Cost:
        one, two = (text_cost(self.text_encoder.config, n, dtype) for n in (1, 2))
        layers = self.text_encoder.config.num_layers
        return Cost(two.peak_bytes, one.operations + (layers - 1) * (two.operations - one.operations))

    def _video_cost(self, way: str, size: ClipSize, *, tiling: bool) -> Cost:
        t, h, w = self.latent_size(size)
        vae = getattr(self.video_codec, "vae", None)
        if vae is None:
            return self._clip_cost(way, t, h, w)
        if not tiling:
            # Wan's autoencoder goes through a clip latent by latent: beyond the first few, only what is done grows.
            if t <= 4:
                return self._clip_cost(way, t, h, w)
            few, more = (self._clip_cost(way, n, h, w) for n in (3, 4))
            beyond, put_together = t - 4, 2 * _picture_bytes(size) if way == "decode" else 0
            return Cost(
                max(more.peak_bytes + beyond * (more.peak_bytes - few.peak_bytes), put_together),
                more.operations + beyond * (more.operations - few.operations),
            )
        # diffusers cuts pictures into tiles before decoding, but after folding pixels into channels when it encodes.
        fold = (vae.config.patch_size or 1) if way == "encode" else 1
        tile, step = vae.tile_sample_min_height * fold, vae.tile_sample_stride_height * fold
        if max(size.height, size.width) <= tile:
            return self._video_cost(way, size, tiling=False)
        one_size = replace(size, height=min(tile, size.height), width=min(tile, size.width))
        one = self._video_cost(way, one_size, tiling=False)
        heights, widths = (
            [min(tile, side - start) for start in range(0, side, step)] for side in (size.height, size.width)
        )
        tiles, picture = len(heights) * len(widths), _picture_bytes(size)
        if way == "encode":
            folded = picture - _picture_bytes(one_size)  # of the whole picture instead of the tile's
            return Cost(one.peak_bytes + folded, one.operations * tiles)
        kept = picture * sum(heights) * sum(widths) // (size.height * size.width)
        return Cost(kept + max(one.peak_bytes, 3 * picture), one.operations * tiles)

    def _clip_cost(self, way: str, t: int, h: int, w: int) -> Cost:
        if way == "decode":
            return codec_cost(self._rehearsed_pictures, way, (1, self.video_codec.latent_channels, t, h, w))
        side, frames = self.video_codec.spatial_stride, 1 + (t - 1) * self.video_codec.temporal_stride
        return codec_cost(self._rehearsed_pictures, way, (1, 3, frames, h * side, w * side))

    def _remember(self, key: tuple, count: Callable[[], Cost]) -> Cost:
        if key not in self._costs:
            self._costs[key] = count()
        return self._costs[key]


def weight_bytes(model: nn.Module | None, *, dtype: torch.dtype, quantization: Quantization | None = None) -> int:
    """Bytes of a model's weights and buffers in memory; what it keeps in float32 counts as float32."""
    if model is None:
        return 0
    layers = {name for name, _ in quantizable(model, quantization)} if quantization else set()
    # transformers keeps less in float32 beside bfloat16 than beside float16.
    kept_name = "_keep_in_fp32_modules" + ("_strict" if isinstance(model, PreTrainedModel) else "")
    keep = set(getattr(model, kept_name, None) or ())
    total = 0
    for name, tensor in chain(model.named_parameters(), model.named_buffers()):
        module, _, leaf = name.rpartition(".")
        if leaf == "weight" and module in layers:
            total += quantized_bytes(*tensor.shape, quantization)
            continue
        stored = dtype if tensor.is_floating_point() else tensor.dtype
        total += tensor.numel() * (torch.float32 if keep.intersection(name.split(".")) else stored).itemsize
    return total


def layers_of(model: nn.Module | None) -> nn.ModuleList | None:
    """The stack of equal layers that makes a model big; ``None`` for the small models."""
    if isinstance(model, HarmonyTransformer):
        return model.blocks
    return model.encoder.block if isinstance(model, UMT5EncoderModel) else None


def _picture_bytes(size: ClipSize) -> int:
    """A whole clip's pixels in float32."""
    return 3 * 4 * size.num_frames * size.height * size.width


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has no {file.name}; convert or fetch the checkpoint again")
    return json.loads(file.read_text(encoding="utf-8"))
