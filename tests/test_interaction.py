"""Local attention between the streams: gathered windows against dense masks, and what recording sees of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from harmony.models.attention import attention, attention_weights
from harmony.models.config import HarmonyConfig
from harmony.models.geometry import shared_clock
from harmony.models.interaction import local_attention
from harmony.models.recorder import AttentionRecorder
from harmony.models.rotary import latent_midpoints, rotate
from harmony.models.windows import BLOCK_LATENTS, make_windows, visible

CLOCKS = {
    "tiny": (17, 66, dict(frame_rate=16.0, temporal_stride=2, audio_latent_rate=32.0)),
    "full": (28, 136, dict(frame_rate=25.0, temporal_stride=4, audio_latent_rate=31.25)),
    "coarse audio": (9, 4, dict(frame_rate=16.0, temporal_stride=2, audio_latent_rate=4.0)),
    "one latent": (1, 2, dict(frame_rate=16.0, temporal_stride=2, audio_latent_rate=32.0)),
}
TOKENS, HEADS, HEAD_DIM = 4, 2, 12


def in_latents(clock: str) -> tuple[Tensor, Tensor]:
    """Midpoints of video and audio latents in units of video latents."""
    num_video, num_audio, rates = CLOCKS[clock]
    unit = rates["temporal_stride"] / rates["frame_rate"]
    m_v, m_a = latent_midpoints(num_video, num_audio, **rates)
    return m_v / unit, m_a / unit


def heads(length: int, *, seed: int, count: int = 3) -> list[Tensor]:
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(2, length, HEADS, HEAD_DIM, generator=g) for _ in range(count)]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("window", [0.0, 1.0, 1.3, 2.0, 50.0])
@pytest.mark.parametrize("block", [1, 4, 6, 50])
def test_gathered_windows_equal_dense_masks(clock: str, window: float, block: int) -> None:
    m_v, m_a = in_latents(clock)
    windows, sees = make_windows(m_v, m_a, window, tokens=TOKENS, block=block), visible(m_v, m_a, window)
    of_video, of_audio = heads(len(m_v) * TOKENS, seed=0), heads(len(m_a), seed=1)
    dense = sees.repeat_interleave(TOKENS, dim=0)

    gathered = local_attention(of_video[0], of_audio[1], of_audio[2], windows.a2v)
    torch.testing.assert_close(gathered, attention(of_video[0], of_audio[1], of_audio[2], dense), atol=1e-5, rtol=0)
    gathered = local_attention(of_audio[0], of_video[1], of_video[2], windows.v2a)
    torch.testing.assert_close(gathered, attention(of_audio[0], of_video[1], of_video[2], dense.T), atol=1e-5, rtol=0)


@pytest.mark.parametrize("alignment", ["paper", "seconds", "video", "native"])
@pytest.mark.parametrize("window", [0.0, 1.0, 2.0])
def test_gathered_equals_dense_under_every_alignment(alignment: str, window: float) -> None:
    config = HarmonyConfig.micro(rope_alignment=alignment, interaction_window=window)
    clock = shared_clock(config, (17, 2, 2), 66, 16.0, torch.device("cpu"), torch.float32)
    dense = visible(*in_latents("tiny"), window).repeat_interleave(TOKENS, dim=0)
    of_video, of_audio = heads(17 * TOKENS, seed=0), heads(66, seed=1)

    q, k = rotate(of_video[0], clock.a2v.video), rotate(of_audio[1], clock.a2v.audio)
    gathered = local_attention(q, k, of_audio[2], clock.windows.a2v)
    torch.testing.assert_close(gathered, attention(q, k, of_audio[2], dense), atol=1e-5, rtol=0)
    q, k = rotate(of_audio[0], clock.v2a.audio), rotate(of_video[1], clock.v2a.video)
    gathered = local_attention(q, k, of_video[2], clock.windows.v2a)
    torch.testing.assert_close(gathered, attention(q, k, of_video[2], dense.T), atol=1e-5, rtol=0)


def test_gradients_of_gathered_windows_equal_dense_ones() -> None:
    m_v, m_a = in_latents("tiny")
    windows = make_windows(m_v, m_a, 1.0, tokens=TOKENS)
    sees = visible(m_v, m_a, 1.0).repeat_interleave(TOKENS, dim=0)
    of_video, of_audio = heads(17 * TOKENS, seed=0), heads(66, seed=1)

    def gradients(a2v: Tensor, v2a: Tensor) -> tuple[Tensor, ...]:
        target = torch.linspace(-1, 1, a2v.shape[-1])
        return torch.autograd.grad((a2v * target).sum() + (v2a * target).square().sum(), [*of_video, *of_audio])

    for tensor in (*of_video, *of_audio):
        tensor.requires_grad_()
    (q_v, k_v, v_v), (q_a, k_a, v_a) = of_video, of_audio
    gathered = gradients(local_attention(q_v, k_a, v_a, windows.a2v), local_attention(q_a, k_v, v_v, windows.v2a))
    dense = gradients(attention(q_v, k_a, v_a, sees), attention(q_a, k_v, v_v, sees.T))
    for ours, theirs in zip(gathered, dense, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_windows_are_cut_at_the_ends_and_never_empty() -> None:
    m_v, m_a = in_latents("tiny")
    sees = visible(m_v, m_a, 1.0)
    assert sees[0].sum() == 7 and sees[8].sum() == 12  # audio latents up to 1.75 latents, and within +-1.5
    assert sees[0, 0] and not sees[0, -1]
    for clock in CLOCKS:
        sees = visible(*in_latents(clock), 0.0)
        assert sees.any(0).all() and sees.any(1).all()


def test_the_cost_of_a_window_does_not_grow_with_the_clip() -> None:
    gathered = []
    for num_video in (24, 240):
        m_v = torch.arange(num_video, dtype=torch.float64)
        windows = make_windows(m_v, (torch.arange(num_video * 4) + 0.5) / 4 - 0.5, 1.0, tokens=TOKENS)
        gathered.append([blocks.key_index.shape[1] for blocks in windows])
        assert [len(blocks.key_index) for blocks in windows] == [num_video // BLOCK_LATENTS] * 2
    assert gathered[0] == gathered[1] == [4 * (BLOCK_LATENTS + 2), BLOCK_LATENTS + 2]


@pytest.mark.parametrize("window", [1.0, None])
def test_recorder_maps_equal_dense_weights(window: float | None) -> None:
    config = HarmonyConfig.micro(interaction_window=window)
    clock = shared_clock(config, (17, 2, 2), 66, 16.0, torch.device("cpu"), torch.float32)
    sees = visible(*in_latents("tiny"), 1e9 if window is None else window).repeat_interleave(TOKENS, dim=0)
    (q_v, k_v, _), (q_a, k_a, _) = heads(17 * TOKENS, seed=0), heads(66, seed=1)
    recorder = AttentionRecorder(clips=[1], layers=[3])
    recorder.attention(0, a2v=(q_v, k_a), v2a=(q_a, k_v), clock=clock)
    recorder.attention(3, a2v=(q_v, k_a), v2a=(q_a, k_v), clock=clock)
    assert recorder.layers == [3]

    def dense(q: Tensor, k: Tensor, mask: Tensor) -> Tensor:
        return attention_weights(q[1:].transpose(1, 2), k[1:].transpose(1, 2), mask).mean(1)

    seen = dense(q_a, k_v, sees.T).unflatten(2, (17, 2, 2))
    torch.testing.assert_close(recorder.sound_sources(), seen, atol=1e-6, rtol=0)
    torch.testing.assert_close(recorder.source_maps(), seen, atol=1e-6, rtol=0)  # no heads are named
    pointing = AttentionRecorder(clips=[1], layers=[], pointing=[(3, 1)])
    pointing.attention(3, a2v=(q_v, k_a), v2a=(q_a, k_v), clock=clock)
    seen = dense(q_a[:, :, 1:2], k_v[:, :, 1:2], sees.T).unflatten(2, (17, 2, 2))
    torch.testing.assert_close(pointing.source_maps(), seen, atol=1e-6, rtol=0)
    heard = dense(q_v, k_a, sees).unflatten(1, (17, TOKENS)).mean(2)
    torch.testing.assert_close(recorder.audio_of_frames(3), heard, atol=1e-6, rtol=0)
