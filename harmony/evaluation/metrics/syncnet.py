"""Our own SyncNet for the tiny world: does this fifth of a second of picture belong to that fifth of a second of sound?

Trained on true clips alone (:mod:`harmony.evaluation.metrics.syncnet_training`). Its scale is its own: differences of
distances are log-odds of shifts, so numbers are comparable with each other and not with the published SyncNet's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torchaudio
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.evaluation.metrics.sync import SyncScore, shift_distances, sync_scores

WINDOW = 5  # frames, as in the published SyncNet
COLUMNS = 4  # of the mel spectrogram in a frame's time


class WorldSyncNet(ModelMixin, ConfigMixin):
    """Embeds windows of five frames and the sound of the same time.

    Args:
        frame_rate, sample_rate: of the clips.
        size: pictures are shrunk or grown to ``size`` x ``size``.
        width: channels of the first layers.
        dim: of the embeddings.
        max_shift: frames that are tried each way; ten are the published 0.6 s.
    """

    @register_to_config
    def __init__(
        self,
        *,
        frame_rate: float = 16.0,
        sample_rate: int = 16_000,
        size: int = 64,
        width: int = 16,
        dim: int = 128,
        num_mels: int = 64,
        max_shift: int = 10,
    ) -> None:
        super().__init__()
        self.picture = nn.Sequential(
            nn.Conv3d(3, width, (2, 5, 5), stride=(1, 2, 2), padding=(0, 2, 2)), nn.BatchNorm3d(width), nn.GELU(),
            nn.Conv3d(width, 2 * width, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            nn.BatchNorm3d(2 * width), nn.GELU(),
            nn.Conv3d(2 * width, 4 * width, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            nn.BatchNorm3d(4 * width), nn.GELU(),
            nn.Conv3d(4 * width, 6 * width, (WINDOW - 1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            nn.BatchNorm3d(6 * width), nn.GELU(),
        )  # fmt: skip
        cells = (size // 16) ** 2
        self.picture_head = _head(6 * width * cells, dim)
        self.hop = round(sample_rate / frame_rate / COLUMNS)
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate, n_fft=512, win_length=512, hop_length=self.hop, n_mels=num_mels, f_min=40.0
        )
        self.sound = nn.Sequential(
            nn.Conv2d(1, 2 * width, (5, 3), stride=(2, 1), padding=(2, 1)), nn.BatchNorm2d(2 * width), nn.GELU(),
            nn.Conv2d(2 * width, 3 * width, 3, stride=2, padding=1), nn.BatchNorm2d(3 * width), nn.GELU(),
            nn.Conv2d(3 * width, 4 * width, 3, stride=2, padding=1), nn.BatchNorm2d(4 * width), nn.GELU(),
        )  # fmt: skip
        self.sound_head = _head(4 * width * (num_mels // 8) * (WINDOW * COLUMNS // 4), dim)

    def embed_picture(self, frames: Tensor) -> Tensor:
        """(B, F, 3, H, W) in [0, 1] to (B, F - 4, D); window k starts at frame k."""
        size = self.config.size
        x = F.interpolate(rearrange(frames, "b f c h w -> (b f) c h w"), (size, size), mode="area") - 0.5
        x = self.picture(rearrange(x, "(b f) c h w -> b c f h w", f=frames.shape[1]))
        return self.picture_head(rearrange(x, "b c t h w -> b t (c h w)"))

    def embed_sound(self, waveform: Tensor) -> Tensor:
        """(B, S) to (B, F - 4, D), for the F frames that the sound lasts."""
        mel = self._log_mel(waveform)  # (B, mels, 4 F)
        windows = mel.unfold(2, WINDOW * COLUMNS, COLUMNS)  # (B, mels, F - 4, 20)
        x = self.sound(rearrange(windows, "b m t c -> (b t) 1 m c"))
        return self.sound_head(rearrange(x, "(b t) c m n -> b t (c m n)", b=waveform.shape[0]))

    def _log_mel(self, waveform: Tensor) -> Tensor:
        """(B, mels, 4 F); column k is centred on the middle of the k-th quarter of a frame."""
        frames = round(waveform.shape[-1] / self.hop / COLUMNS)
        centred = F.pad(waveform, (0, 2 * self.hop))[:, self.hop // 2 :]
        # No softer than -60 dB below full scale: what nobody hears must not count.
        return self.mel(centred)[..., : COLUMNS * frames].clamp_min(1e-4).log() / 4

    def forward(self, frames: Tensor, waveform: Tensor) -> Tensor:
        """(B, F, 3, H, W) and (B, S) to distances (B, 2 * max_shift + 1), by how much later the sound is taken."""
        picture, sound = self.embed_picture(frames), self.embed_sound(waveform)
        length = min(picture.shape[1], sound.shape[1])
        return shift_distances(picture[:, :length], sound[:, :length], max_shift=self.config.max_shift)

    @torch.no_grad()
    def score(self, frames: Tensor, waveform: Tensor) -> Sequence[SyncScore]:
        """Sync-C, Sync-D and offset of each clip; the same tensors as :meth:`forward`."""
        return sync_scores(self(frames, waveform))

    def score_clip(self, frames: np.ndarray, waveform: np.ndarray) -> SyncScore:
        """The same of one clip: frames uint8 (F, H, W, 3), waveform (S,)."""
        pictures = torch.from_numpy(frames).permute(0, 3, 1, 2)[None].float() / 255
        return self.score(pictures, torch.from_numpy(waveform)[None])[0]


def _head(features: int, dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
