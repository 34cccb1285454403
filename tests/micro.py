"""Micro transformers for the tests: one per form, random conditions, and what the tests of several files share."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from harmony.models.conditioning import Conditioning, Streams
from harmony.models.config import HarmonyConfig
from harmony.models.transformer import HarmonyTransformer

FORMS = {
    "tiny": {},
    "paper": dict(
        text_form="joint", rope_alignment="paper", qk_norm="full", conv_stem=False, latent_gain=False,
        audio_embed="conv",
    ),
    "ovi": dict(
        interaction_order="parallel", share_text_qo=True, zero_init_interaction=False, interaction_window=None,
        interaction_rope="3d", rope_alignment="video", style=False, num_null_reference_tokens=0, conv_stem=False,
        latent_gain=False,
        cross_timestep=False, qk_norm="full", transcript_dim=0,
    ),
    "parallel with projections of its own": dict(interaction_order="parallel", interaction_window=2.0),
}  # fmt: skip
TIMES, AUDIO, CAPTION, TRANSCRIPT, REFERENCE = 5, 18, 3, 4, 5


def model_of(config: HarmonyConfig | None = None, *, perturbed: bool = True, seed: int = 0) -> HarmonyTransformer:
    """A micro model; ``perturbed`` gives the weights that start at zero random values."""
    torch.manual_seed(seed)
    model = HarmonyTransformer.from_harmony_config(config or HarmonyConfig.micro()).eval()
    if perturbed:
        with torch.no_grad():
            for parameter in model.parameters():
                if not parameter.any():
                    parameter.normal_(std=0.3)
    return model


def inputs_of(config: HarmonyConfig, *, clips: int = 2, seed: int = 1) -> tuple[Tensor, Tensor, Conditioning]:
    """Noisy latents and every condition, for ``clips`` clips of 9 frames."""
    g = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    def full(*shape: int) -> Tensor:
        return torch.ones(*shape, dtype=torch.bool)

    video = noise(clips, config.in_channels_video, TIMES, 4, 4)
    audio = noise(clips, config.in_channels_audio, AUDIO)
    conditioning = Conditioning(
        video_caption=noise(clips, CAPTION, config.text_dim),
        video_caption_mask=full(clips, CAPTION),
        audio_caption=noise(clips, CAPTION, config.text_dim),
        audio_caption_mask=full(clips, CAPTION),
        transcript=noise(clips, TRANSCRIPT, config.transcript_dim),
        transcript_mask=full(clips, TRANSCRIPT),
        transcript_position=torch.rand(clips, TRANSCRIPT, generator=g) * AUDIO,
        timing=noise(clips, AUDIO, config.transcript_dim),
        reference=noise(clips, config.in_channels_audio, REFERENCE),
        reference_mask=full(clips, REFERENCE),
    )  # fmt: skip
    if config.transcript_dim == 0:
        no_words = dict.fromkeys(("transcript", "transcript_position", "timing"))
        conditioning = replace(conditioning, **no_words)
    return video, audio, conditioning


def clip_of(conditioning: Conditioning, clip: int) -> Conditioning:
    return conditioning.map(lambda tensor: tensor[clip : clip + 1])


def times(*values: float) -> Tensor:
    return torch.tensor(values)


@torch.no_grad()
def run(
    model: HarmonyTransformer, video: Tensor | None, audio: Tensor | None, conditioning: Conditioning, **options
) -> Streams:
    clips = len(video if video is not None else audio)
    ramp = torch.linspace(200, 800, clips)
    settings = dict(timestep_video=ramp, timestep_audio=ramp.flip(0)) | options
    return model(video, audio, conditioning=conditioning, **settings)


def assert_same(ours: Streams, theirs: Streams, *, atol: float = 2e-5) -> None:
    torch.testing.assert_close(ours.video, theirs.video, atol=atol, rtol=0)
    torch.testing.assert_close(ours.audio, theirs.audio, atol=atol, rtol=0)


def silence(module: nn.Module) -> None:
    """Let an attention add nothing."""
    nn.init.zeros_(module.to_out[0].weight)
    nn.init.zeros_(module.to_out[0].bias)
