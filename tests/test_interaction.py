"""Local attention between the streams: gathered windows against dense masks."""

from __future__ import annotations

import pytest
import torch

from harmony.models.attention import attention
from harmony.models.interaction import audio_to_video, video_to_audio
from harmony.models.rotary import latent_midpoints
from harmony.models.windows import make_windows, visible

CLOCKS = {
    "tiny": (17, 66, dict(frame_rate=16.0, temporal_stride=2, audio_latent_rate=32.0)),
    "full": (28, 136, dict(frame_rate=25.0, temporal_stride=4, audio_latent_rate=31.25)),
    "coarse audio": (9, 4, dict(frame_rate=16.0, temporal_stride=2, audio_latent_rate=4.0)),
    "one latent": (1, 2, dict(frame_rate=16.0, temporal_stride=2, audio_latent_rate=32.0)),
}


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("window", [0.0, 1.0, 1.3, 2.0, 50.0])
def test_gathered_windows_equal_dense_masks(clock: str, window: float) -> None:
    num_video, num_audio, rates = CLOCKS[clock]
    tokens, heads, head_dim = 3, 2, 6
    unit = rates["temporal_stride"] / rates["frame_rate"]
    m_v, m_a = (m / unit for m in latent_midpoints(num_video, num_audio, **rates))
    windows, sees = make_windows(m_v, m_a, window), visible(m_v, m_a, window)
    g = torch.Generator().manual_seed(0)
    of_video = [torch.randn(2, num_video * tokens, heads, head_dim, generator=g) for _ in range(3)]
    of_audio = [torch.randn(2, num_audio, heads, head_dim, generator=g) for _ in range(3)]
    dense = sees.repeat_interleave(tokens, dim=0)

    gathered = audio_to_video(of_video[0], of_audio[1], of_audio[2], windows)
    torch.testing.assert_close(gathered, attention(of_video[0], of_audio[1], of_audio[2], dense), atol=1e-5, rtol=0)
    gathered = video_to_audio(of_audio[0], of_video[1], of_video[2], windows)
    torch.testing.assert_close(gathered, attention(of_audio[0], of_video[1], of_video[2], dense.T), atol=1e-5, rtol=0)
