"""The two-stream transformer's identities: what must hold whatever the weights are."""

from __future__ import annotations

import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from harmony.models.conditioning import Conditioning, Streams
from harmony.models.config import HarmonyConfig
from harmony.models.transformer import HarmonyTransformer

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
    return video, audio, Conditioning(
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


def test_video_branch_equals_wan() -> None:
    torch.manual_seed(0)
    wan = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4, text_dim=16, freq_dim=32,
        ffn_dim=32, num_layers=2, rope_max_seq_len=64,
    ).eval()  # fmt: skip
    config = HarmonyConfig.micro(conv_stem=False, qk_norm="full", cross_timestep=False, rope_theta=10_000.0)
    model = model_of(config)
    renamed = {
        f"blocks.{key.split('.')[1]}.video.{key.split('.', 2)[2]}"
        if key.startswith("blocks.")
        else f"video.{key}": value
        for key, value in wan.state_dict().items()
    }
    ours = {key for key in model.state_dict() if key.startswith("video.") or ".video." in key}
    assert ours == set(renamed)
    model.load_state_dict(renamed, strict=False)

    video, _, conditioning = inputs_of(config)
    conditioning = Conditioning(
        video_caption=conditioning.video_caption
    )  # no mask: every row is attended to, as Wan does
    for timestep in (times(250, 900), torch.rand(2, TIMES) * 1000):
        ours = run(model, video, None, conditioning, timestep_video=timestep).video
        per_token = timestep if timestep.dim() == 1 else timestep.repeat_interleave(4, dim=1)
        with torch.no_grad():
            theirs = wan(video, per_token, conditioning.video_caption, return_dict=False)[0]
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
