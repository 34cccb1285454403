"""Small files in the layouts of the public ones: Ovi's transformer, Wan2.2 in diffusers' folders, MMAudio's pickles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan
from layouts import bigvgan_layout, mmaudio_vae_layout, ovi_layout, random_weights
from safetensors.torch import save_file
from transformers import T5TokenizerFast, UMT5Config, UMT5EncoderModel

from harmony.models.codecs.mmaudio import MMAudioCodec
from harmony.models.codecs.wan import WAN22
from harmony.models.config import HarmonyConfig

LAYERS, HEADS, HEAD_DIM, TEXT, FREQ, FFN, CHANNELS = 3, 2, 16, 24, 32, 48, 4
SMALL = dict(
    in_channels_video=CHANNELS, num_layers=LAYERS, num_heads_video=HEADS, num_heads_audio=HEADS, head_dim=HEAD_DIM,
    ffn_dim_video=FFN, ffn_dim_audio=FFN, text_dim=TEXT, freq_dim=FREQ,
)  # fmt: skip
SMALL_FILE = dict(dim=HEADS * HEAD_DIM, ffn=FFN, layers=LAYERS, text=TEXT, freq=FREQ)
SMALL_OVI = dict(**SMALL_FILE, video=CHANNELS, conv=256)
SMALL_VAE = dict(
    base_dim=8, decoder_base_dim=8, z_dim=CHANNELS, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
    latents_mean=[0.1] * CHANNELS, latents_std=[0.5] * CHANNELS,
)  # fmt: skip
WORDS = ("▁a", "▁drum", "▁red", "▁", ".", *"abcdefghijklmnopqrstuvwxyz<>SEAUDC:,!")


@dataclass(frozen=True)
class PublicFiles:
    """What a person has on disk before converting."""

    ovi: Path
    wan: Path
    mmaudio: tuple[Path, Path]


def small_config(**changes) -> HarmonyConfig:
    """Ovi's layout at the size of these files, MMAudio's 20 channels included."""
    return HarmonyConfig.ovi(**SMALL | changes)


def write_public_files(folder: Path) -> PublicFiles:
    """Random weights, seconds to write."""
    torch.manual_seed(0)
    wan = folder / "wan"
    AutoencoderKLWan(**WAN22 | SMALL_VAE).save_pretrained(wan / "vae")
    config = UMT5Config(vocab_size=3 + len(WORDS), d_model=TEXT, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    UMT5EncoderModel(config).save_pretrained(wan / "text_encoder")
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((word, -2.0) for word in WORDS)]
    T5TokenizerFast(vocab=vocabulary, extra_ids=0).save_pretrained(wan / "tokenizer")
    save_file(random_weights(ovi_layout(**SMALL_OVI)), folder / "model.safetensors")
    files = write_mmaudio(folder)
    return PublicFiles(folder / "model.safetensors", wan, files)


def write_mmaudio(folder: Path, *, filters: bool = True) -> tuple[Path, Path]:
    """MMAudio's two pickles at the size of ``MMAudioCodec.micro()``."""
    vae, vocoder = folder / "v1-16.pth", folder / "best_netG.pt"
    torch.save(random_weights(mmaudio_vae_layout(dim=8)), vae)
    torch.save({"generator": random_weights(bigvgan_layout(dim=16, kernels=(32, 32), filters=filters))}, vocoder)
    return vae, vocoder


def micro_sound_codec(*_, **__) -> MMAudioCodec:
    """In place of the full-size codec, which would take seconds to make."""
    return MMAudioCodec.micro()
