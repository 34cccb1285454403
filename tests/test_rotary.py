"""Rotary positions: heads split as in Wan, and both streams on one clock."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed

from harmony.models.config import HarmonyConfig
from harmony.models.geometry import audio_rotation, shared_clock, video_rotation
from harmony.models.rotary import aligned_positions, latent_midpoints, rotate, split_head_dim
from harmony.timeline import Timeline

RATES = dict(frame_rate=16.0, temporal_stride=2, audio_latent_rate=32.0)
CPU = torch.device("cpu")


def positions(alignment: str, direction: str, *, num_video: int = 17, num_audio: int = 66, scale: float = 0.25):
    return aligned_positions(
        alignment, direction, latent_midpoints(num_video, num_audio, **RATES), seconds_per_video_latent=1 / 8,
        seconds_per_audio_latent=1 / 32, audio_scale=scale,
    )  # fmt: skip


@pytest.mark.parametrize(("head_dim", "split"), [(128, (44, 42, 42)), (32, (12, 10, 10)), (12, (4, 4, 4))])
def test_heads_are_split_as_in_wan(head_dim: int, split: tuple[int, int, int]) -> None:
    assert split_head_dim(head_dim) == split


@pytest.mark.parametrize("head_dim", [12, 32, 128])
def test_video_rotation_equals_wans(head_dim: int) -> None:
    config = HarmonyConfig.micro(head_dim=head_dim, rope_theta=10_000.0)
    ours = video_rotation(config, (3, 2, 4), CPU, torch.float32)
    cos, sin = WanRotaryPosEmbed(head_dim, (1, 2, 2), 64)(torch.zeros(1, 4, 3, 4, 8))
    torch.testing.assert_close(ours.cos[:, 0], cos[0, :, 0])
    torch.testing.assert_close(ours.sin[:, 0].abs(), sin[0, :, 0].abs())


def test_attention_scores_depend_on_distance_alone() -> None:
    config = HarmonyConfig.micro()
    q, k = torch.randn(2, 1, 1, 1, 12)

    def score(at_q: float, at_k: float) -> torch.Tensor:
        turned = [
            rotate(x, audio_rotation(config, torch.tensor([p]), torch.float32)) for x, p in ((q, at_q), (k, at_k))
        ]
        return (turned[0] * turned[1]).sum()

    torch.testing.assert_close(score(3, 7.5), score(-9, -4.5))
    assert not torch.isclose(score(3, 7.5), score(3, 8.5))


def test_paper_alignment_meets_at_both_ends() -> None:
    """j'(0) = 0 and j'(T_a) = T_v; the reverse for V2A."""
    video, audio = positions("paper", "a2v")
    assert audio[0] == 0 and torch.equal(video, torch.arange(17.0, dtype=torch.float64))
    step = audio[1] - audio[0]
    assert audio[-1] + step == pytest.approx(17)
    video, audio = positions("paper", "v2a")
    assert video[0] == 0 and video[-1] + (video[1] - video[0]) == pytest.approx(66)
    assert torch.equal(audio, torch.arange(66.0, dtype=torch.float64))


@pytest.mark.parametrize(("direction", "unit"), [("a2v", 1 / 8), ("v2a", 1 / 32)])
def test_seconds_alignment_is_true_time(direction: str, unit: float) -> None:
    timeline = Timeline()
    video, audio = positions("seconds", direction)
    torch.testing.assert_close(video * unit, torch.tensor(timeline.video_latent_midpoints(), dtype=torch.float64))
    torch.testing.assert_close(audio * unit, torch.tensor(timeline.audio_latent_midpoints(), dtype=torch.float64))


def test_native_indices_stay_as_they_are() -> None:
    for direction in ("a2v", "v2a"):
        video, audio = positions("native", direction)
        assert torch.equal(video, torch.arange(17.0).double()) and torch.equal(audio, torch.arange(66.0).double())


def test_video_alignment_scales_audio_everywhere() -> None:
    for direction in ("a2v", "v2a"):
        video, audio = positions("video", direction, scale=0.2)
        assert video[3] == 3 and audio[10] == pytest.approx(2.0)
    config = HarmonyConfig.micro(rope_alignment="video", audio_rope_scale=0.5)
    time_part = split_head_dim(config.head_dim)[0]
    rotation = audio_rotation(config, torch.tensor([4]), torch.float32)
    of_video = video_rotation(config, (3, 1, 1), CPU, torch.float32)
    torch.testing.assert_close(rotation.cos[0, 0, :time_part], of_video.cos[2, 0, :time_part])
    assert (rotation.cos[0, 0, time_part:] == 1).all() and (rotation.sin[0, 0, time_part:] == 0).all()


@pytest.mark.parametrize(("rope", "turns"), [("temporal", False), ("3d", True)])
def test_interaction_turns_space_only_when_asked(rope: str, turns: bool) -> None:
    config = HarmonyConfig.micro(interaction_rope=rope)
    rotation = shared_clock(config, (5, 2, 2), 18, 16.0, CPU, torch.float32).a2v.video
    time_part = split_head_dim(config.head_dim)[0]
    assert bool(rotation.sin[:, :, time_part:].any()) is turns
    assert rotation.sin[:, :, :time_part].any()
