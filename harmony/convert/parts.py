"""Codecs and text encoder of the full size, from their public files into a pipeline's folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from harmony.adapters.keymap import WrongCheckpoint
from harmony.adapters.mmaudio import load_mmaudio
from harmony.adapters.source import Checkpoint
from harmony.adapters.writer import num_bytes, write_shards
from harmony.convert.licenses import notice
from harmony.models.codecs.mmaudio import MMAudioCodec
from harmony.models.codecs.wan import WanVideoCodec

Say = Callable[[str], None]


def convert_text_encoder(wan: Path, folder: Path, *, say: Say) -> None:
    """The umT5 encoder in bfloat16, and its tokenizer.

    Args:
        wan: Wan2.2 in diffusers' layout.
        folder: of the pipeline.
        say: told what is being done.
    """
    say("Text encoder and tokenizer")
    with Checkpoint(wan / "text_encoder") as checkpoint:
        write_shards(
            folder / "text_encoder",
            num_bytes(checkpoint.shapes, dict.fromkeys(checkpoint.shapes, torch.bfloat16)),
            lambda name: checkpoint.read(name).to(torch.bfloat16),
            stem="model",
        )
    shutil.copy(wan / "text_encoder" / "config.json", folder / "text_encoder")
    shutil.copytree(wan / "tokenizer", folder / "tokenizer")


def convert_wan_codec(wan: Path, folder: Path, *, say: Say) -> None:
    """Wan2.2's autoencoder as our picture codec, in float32, with the linear map of its previews.

    Raises:
        WrongCheckpoint: if the weights do not fit the config beside them.
    """
    say("Picture codec")
    settings = json.loads((wan / "vae" / "config.json").read_text(encoding="utf-8"))
    options = {name: value for name, value in settings.items() if not name.startswith("_")}
    with torch.device("meta"):
        codec = WanVideoCodec(options)
    with Checkpoint(wan / "vae") as checkpoint:
        state = {f"vae.{name}": checkpoint.read(name).float() for name in checkpoint.shapes}
        state |= {name: torch.zeros_like(own, device="cpu") for name, own in codec.named_buffers(recurse=False)}
        try:
            codec.load_state_dict(state, assign=True)
        except RuntimeError as error:
            reason = str(error).splitlines()[1].strip()
            raise WrongCheckpoint(f"{wan / 'vae'} does not fit its own config: {reason}") from error
        say(f"Picture codec: its linear preview leaves {codec.eval().fit_preview():.0%} of the colours unexplained")
        save_module(codec, folder / "video_codec")


def convert_mmaudio(files: tuple[Path, Path], folder: Path, *, say: Say, codec: MMAudioCodec | None = None) -> None:
    """MMAudio's VAE and vocoder as our sound codec, in safetensors, with its licence beside it."""
    say("Sound codec (CC-BY-NC 4.0: not for commercial use)")
    codec = codec or MMAudioCodec()
    load_mmaudio(codec, *files)
    save_module(codec, folder / "audio_codec")
    (folder / "audio_codec" / "LICENSE.md").write_text(notice(with_sound=True), encoding="utf-8")


def save_module(module: Any, folder: Path) -> None:
    """Config and weights of a codec, one shard in memory at a time."""
    state = module.state_dict()
    shapes, dtypes = {n: tuple(t.shape) for n, t in state.items()}, {n: t.dtype for n, t in state.items()}
    write_shards(folder, num_bytes(shapes, dtypes), state.__getitem__)
    module.save_config(folder)
