"""Small networks that say when something is seen to happen, and when something is heard to begin.

They are trained on true clips of the tiny world (blurred and noisy ones too) and know nothing of the other stream, so
that a picture cannot be judged by its sound. Their own quality on true held-out clips is part of every report.
"""

from __future__ import annotations

import torch
import torchaudio
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F


class SeenEventDetector(ModelMixin, ConfigMixin):
    """Frames to one logit a frame: "something happens here".

    Args:
        frame_rate: frames per second that it was trained on.
        size: pictures are shrunk to ``size`` x ``size`` first.
        width: channels.
    """

    @register_to_config
    def __init__(self, *, frame_rate: float = 16.0, size: int = 32, width: int = 32) -> None:
        super().__init__()
        self.rate = frame_rate
        self.size = size
        # Seven channels: the frame, its difference to the clip's median (what moves), the change since the last frame.
        self.look = nn.Sequential(
            nn.Conv2d(7, width, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GELU(),
        )  # fmt: skip
        cells = (size // 8) ** 2
        self.reduce = nn.Linear(2 * width * cells, 3 * width)
        self.follow = _temporal_net(3 * width, 3 * width)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, F, 3, H, W) in [0, 1] to logits (B, F)."""
        batch = frames.shape[0]
        x = F.interpolate(rearrange(frames, "b f c h w -> (b f) c h w"), (self.size, self.size), mode="area")
        x = rearrange(x, "(b f) c h w -> b f c h w", b=batch)
        change = x.diff(dim=1, prepend=x[:, :1]).abs().mean(2, keepdim=True)
        x = torch.cat([x - 0.5, x - x.median(dim=1, keepdim=True).values, change], dim=2)
        x = self.look(rearrange(x, "b f c h w -> (b f) c h w")).flatten(1)
        return self.follow(rearrange(self.reduce(x), "(b f) c -> b c f", b=batch))[:, 0]

    def events(self, frames: Tensor, *, threshold: float = 0.5) -> list[list[float]]:
        """Times (seconds) of the events seen in each clip; frame k stands for (k + 1/2) / frame_rate."""
        with torch.no_grad():
            return [find_peaks(p, rate=self.rate, threshold=threshold) for p in self(frames).sigmoid()]


class HeardEventDetector(ModelMixin, ConfigMixin):
    """Sound to logits at 64 per second: "something begins here"."""

    @register_to_config
    def __init__(self, *, sample_rate: int = 16_000, num_mels: int = 64, width: int = 64) -> None:
        super().__init__()
        self.hop = sample_rate // 64
        self.rate = 64.0
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate, n_fft=512, win_length=512, hop_length=self.hop, n_mels=num_mels, f_min=40.0, center=True
        )
        self.net = nn.Sequential(nn.Conv1d(num_mels, width, 5, padding=2), nn.GELU(), _temporal_net(width, width))

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, S) to logits (B, S / hop); column k is centred on sample (k + 1/2) * hop."""
        columns = waveform.shape[-1] // self.hop
        centred = F.pad(waveform, (0, self.hop))[:, self.hop // 2 :]
        mel = self.mel(centred)[..., :columns].clamp_min(1e-7).log()
        return self.net(mel / 5 + 1)[:, 0]

    def events(self, waveform: Tensor, *, threshold: float = 0.5) -> list[list[float]]:
        """Times (seconds) of the onsets heard in each clip."""
        with torch.no_grad():
            return [find_peaks(p, rate=self.rate, threshold=threshold) for p in self(waveform).sigmoid()]


def _temporal_net(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(channels, width, 5, padding=2), nn.GELU(),
        nn.Conv1d(width, width, 5, padding=4, dilation=2), nn.GELU(),
        nn.Conv1d(width, 1, 3, padding=1),
    )  # fmt: skip


def event_target(times: list[float], length: int, *, rate: float, spread: float = 0.025) -> Tensor:
    """(length,) targets in [0, 1]: a narrow bump at each event, 1 at its middle."""
    centres = (torch.arange(length) + 0.5) / rate
    if not times:
        return torch.zeros(length)
    distance = (centres[:, None] - torch.tensor(times)[None]).abs().min(dim=1).values
    # Half a step of slack: the column that holds the event counts as a full hit.
    return torch.exp(-0.5 * ((distance - 0.5 / rate).clamp_min(0) / spread) ** 2)


def find_peaks(probability: Tensor, *, rate: float, threshold: float, min_gap: float = 0.12) -> list[float]:
    """Local maxima above ``threshold``, at least ``min_gap`` seconds apart, refined by the centroid of the bump."""
    values = probability.tolist()
    reach = max(1, round(min_gap * rate))
    peaks: list[float] = []
    for k, value in enumerate(values):
        low, high = max(0, k - reach), min(len(values), k + reach + 1)
        first_of_plateau = max(values[low:k], default=0.0) < value
        if value >= threshold and first_of_plateau and value >= max(values[k:high]):
            near = range(max(0, k - 1), min(len(values), k + 2))
            weight = sum(values[i] for i in near)
            peaks.append(sum((i + 0.5) * values[i] for i in near) / weight / rate)
    return peaks
