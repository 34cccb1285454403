"""Was the sound's caption obeyed? What kind of scene is heard, by a small network that never sees the picture."""

from __future__ import annotations

import torch
import torchaudio
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional as F


class SoundClassifier(ModelMixin, ConfigMixin):
    """Sound to scores of the kinds of scenes.

    Args:
        kinds: names.
        sample_rate: of the sound; num_mels, width: bands and channels.
    """

    @register_to_config
    def __init__(self, *, kinds: list[str], sample_rate: int = 16_000, num_mels: int = 64, width: int = 24) -> None:
        super().__init__()
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate, n_fft=512, win_length=512, hop_length=sample_rate // 64, n_mels=num_mels, f_min=40.0
        )
        self.listen = nn.Sequential(
            nn.Conv2d(1, width, 5, stride=2, padding=2), nn.GELU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(2 * width, 3 * width, 3, stride=2, padding=1), nn.GELU(),
        )  # fmt: skip
        # Bands stay apart: what is high and what is low tells more than where it is in time.
        features = 3 * width * (num_mels // 8)
        self.gather = nn.Sequential(nn.Linear(2 * features, 4 * width), nn.GELU())
        self.head = nn.Linear(4 * width, len(kinds))

    def embed(self, waveform: Tensor) -> Tensor:
        """(B, S) to (B, 4 * width)."""
        mel = self.mel(waveform).clamp_min(1e-5).log() / 4 + 1
        x = self.listen(mel[:, None]).flatten(1, 2)  # (B, channels x bands, time)
        return self.gather(torch.cat([x.mean(-1), x.amax(-1)], dim=-1))

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, S) to scores (B, kinds)."""
        return self.head(F.dropout(self.embed(waveform), 0.2, self.training))

    @torch.no_grad()
    def predict(self, waveform: Tensor) -> list[str]:
        """The most likely kind of each sound."""
        return [self.config.kinds[k] for k in self(waveform).argmax(-1).tolist()]
