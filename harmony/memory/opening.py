"""A pipeline opened as planned: its layers quantised, its parts on the card or waiting in main memory.

Offloading is diffusers' and accelerate's own. What they cannot know is which of our modules are called as modules:
codecs work through ``encode`` and ``decode``, and a stream's ends are read by their methods. So a group is a whole
:class:`~harmony.models.blocks.HarmonyBlock` (one layer of both streams), sequential offload takes linear layers alone,
and codecs get a shelf of our own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from accelerate import cpu_offload
from diffusers.hooks import apply_group_offloading
from torch import nn

from harmony.checkpoints import local_folder
from harmony.memory.parts import layers_of
from harmony.memory.planner import Settings
from harmony.memory.quantize import layer_linears, open_quantized, quantize
from harmony.models.transformer import HarmonyTransformer
from harmony.pipeline import HarmonyPipeline

_CODEC_METHODS = ("encode", "decode", "static_latents", "silence_latents", "preview")


def open_pipeline(
    name: str | Path,
    settings: Settings,
    *,
    device: torch.device | str,
    dtype: torch.dtype = torch.bfloat16,
    **options: Any,
) -> HarmonyPipeline:
    """Open a checkpoint for a card. Its weights are never all on the card, or whole in memory, unless they stay so.

    Args:
        name: the folder or hub id.
        settings: how.
        device: the card.
        dtype: of the models where they are not quantised; codecs stay in float32.
        options: of :meth:`HarmonyPipeline.from_pretrained`.
    """
    kind, folder = settings.quantization, local_folder(str(name), dict(options))
    place = torch.device(device if settings.offload == "none" else "cpu")
    if kind is not None:
        options["transformer"] = open_quantized(folder / "transformer", kind, device=place, dtype=dtype)
    pipe = HarmonyPipeline.from_pretrained(name, dtype=dtype, **options)
    if kind is not None:
        quantize(pipe.text_encoder, kind, device=place)
    return arrange(pipe, settings, device=device)


def arrange(pipe: HarmonyPipeline, settings: Settings, *, device: torch.device | str) -> HarmonyPipeline:
    """Put the parts of an open pipeline where the settings want them. Once: hooks are not taken off again.

    Args:
        pipe: open in main memory, or on ``device`` where nothing is offloaded.
        settings: its ``quantization`` tells what was done already.
        device: the card.
    """
    device = torch.device(device)
    pipe.batch_passes, pipe.opened_as = settings.batch_passes, settings.words
    if settings.tiling and hasattr(pipe.video_codec, "enable_tiling"):
        pipe.video_codec.enable_tiling()
    codecs = [codec for codec in (pipe.video_codec, pipe.audio_codec) if codec is not None]
    if settings.codecs_rest:
        for codec in codecs:
            shelve(codec, device)
    if settings.offload == "none":
        pipe.to(device)
    elif settings.offload == "model":
        if settings.codecs_rest:  # diffusers then leaves them in main memory after every clip
            pipe._exclude_from_cpu_offload = ["transcript_encoder"]
        pipe.enable_model_cpu_offload(device=device)
    else:
        offload = {"group": offload_groups, "sequential": offload_linears}[settings.offload]
        offload(pipe.transformer, device)
        offload(pipe.text_encoder, device)
        for model in (pipe.transcript_encoder, *(() if settings.codecs_rest else codecs)):
            if model is not None:
                model.to(device)
    return pipe


def compile_layers(pipe: HarmonyPipeline, **options: Any) -> None:
    """Compile one layer of the transformer, which then serves for all, as they have equal shapes.

    Compiling happens in the first clip (16 s at Ovi's size on an H200, whose passes are then 1.2 times as fast). Layers
    that are quantised or moved are left as they are; ``pipe.opened_as`` says which it was.

    Args:
        pipe: open on its card.
        options: of ``torch.compile``.
    """
    layers = pipe.transformer.blocks
    whole = all(type(m) is nn.Linear for m in layers.modules() if isinstance(m, nn.Linear))
    moved = any(hasattr(m, "_hf_hook") or hasattr(m, "_diffusers_hook") for m in pipe.transformer.modules())
    if whole and not moved:
        pipe.transformer.compile_repeated_blocks(**options)
    words = "layers compiled" if whole and not moved else "layers not compiled: they are quantised or moved"
    pipe.opened_as = ", ".join(filter(None, [pipe.opened_as, words]))


def offload_groups(model: nn.Module, device: torch.device, **options: Any) -> None:
    """One layer on the card at a time, and on GPUs the next one on its way; small models move there whole.

    Args:
        model: in main memory.
        device: the card.
        options: of diffusers' ``apply_group_offloading``.
    """
    if layers_of(model) is None:
        model.to(device)
        return
    stack = model if isinstance(model, HarmonyTransformer) else model.encoder  # whose children are the layers
    streams = dict(use_stream=device.type == "cuda", offload_type="block_level", num_blocks_per_group=1)
    apply_group_offloading(stack, onload_device=device, **streams | options)


def offload_linears(model: nn.Module, device: torch.device) -> None:
    """One module on the card at a time, its weights gone before the next one's come; small models move there whole."""
    if layers_of(model) is None:
        model.to(device)
        return
    if not isinstance(model, HarmonyTransformer):
        cpu_offload(model, execution_device=device)
        return
    linears = [linear for _, linear in layer_linears(model)]
    wait = {id(tensor) for linear in linears for tensor in linear.parameters()}
    for tensor in chain(model.parameters(), model.buffers()):
        if id(tensor) not in wait:
            tensor.data = tensor.data.to(device)
    for linear in linears:
        cpu_offload(linear, execution_device=device)


def shelve(codec: nn.Module, device: torch.device) -> None:
    """Keep a codec in main memory; whatever it is asked to do, it is on the card just for that."""
    codec.to("cpu")
    depth = 0

    def on_the_card(method: Callable) -> Callable:
        @functools.wraps(method)
        def work(*args: Any, **kwargs: Any) -> Any:
            nonlocal depth
            if depth == 0:  # methods call each other
                codec.to(device)
            depth += 1
            try:
                return method(*args, **kwargs)
            finally:
                depth -= 1
                if depth == 0:
                    codec.to("cpu")

        return work

    for name in _CODEC_METHODS:
        if hasattr(codec, name):
            setattr(codec, name, on_the_card(getattr(codec, name)))
