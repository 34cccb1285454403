"""The published SyncNet (Chung and Zisserman, 2016), for real faces: its layers, its inputs, a loader for its weights.

Weights are not ours to ship. The authors publish ``syncnet_v2.model``; that file, or the same tensors as safetensors,
can be opened here. Pictures must be crops of one face: nothing here looks for faces.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.metrics.sync import SyncScore, shift_distances, sync_scores

FRAME_RATE, SAMPLE_RATE = 25.0, 16_000
SIZE, WINDOW, COLUMNS = 224, 5, 4  # pixels; frames of a window; MFCC columns of a frame's time
MAX_SHIFT = 15
_AT_ONCE = 20  # windows that go through the network together


class PublishedSyncNet(nn.Module):
    """Named so that the published tensors fit as they are. Windows of five frames, and of twenty MFCC columns."""

    def __init__(self, dim: int = 1024) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_block2d(1, 64, 3, padding=1), nn.MaxPool2d(1, 1),
            *_block2d(64, 192, 3, padding=1), nn.MaxPool2d(3, (1, 2)),
            *_block2d(192, 384, 3, padding=1),
            *_block2d(384, 256, 3, padding=1),
            *_block2d(256, 256, 3, padding=1), nn.MaxPool2d(3, 2),
            *_block2d(256, 512, (5, 4)),
        )  # fmt: skip
        self.netfcaud = _head(dim)
        self.netfclip = _head(dim)
        self.netcnnlip = nn.Sequential(
            *_block3d(3, 96, (5, 7, 7), stride=(1, 2, 2)), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_block3d(96, 256, (1, 5, 5), stride=(1, 2, 2), padding=(0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_block3d(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_block3d(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_block3d(256, 256, (1, 3, 3), padding=(0, 1, 1)), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_block3d(256, 512, (1, 6, 6)),
        )  # fmt: skip

    @classmethod
    def load(cls, file: str | Path) -> PublishedSyncNet:
        """Open the published file, or its tensors as safetensors. Nothing but tensors is unpickled.

        Raises:
            CannotMeasure: if the file is not there, or holds something else.
        """
        file = Path(file)
        if not file.is_file():
            raise CannotMeasure(
                f"there are no SyncNet weights at '{file}'; the authors publish syncnet_v2.model, name that file"
            )
        try:
            is_safe = file.suffix == ".safetensors"
            found = load_file(file) if is_safe else torch.load(file, map_location="cpu", weights_only=True)
            model = cls()
            model.load_state_dict(found)
        except Exception as error:
            raise CannotMeasure(f"'{file}' does not hold the published SyncNet's tensors") from error
        return model.eval()

    def embed_picture(self, windows: Tensor) -> Tensor:
        """(N, 3, 5, 224, 224), blue-green-red in [0, 255], to (N, D)."""
        return self.netfclip(self.netcnnlip(windows).flatten(1))

    def embed_sound(self, windows: Tensor) -> Tensor:
        """(N, 1, 13, 20) MFCC to (N, D)."""
        return self.netfcaud(self.netcnnaud(windows).flatten(1))

    @torch.no_grad()
    def score(self, faces: NDArray, waveform: NDArray, *, frame_rate: float) -> SyncScore:
        """Sync-C, Sync-D and offset (frames at 25 per second, positive where the sound is late) of one face.

        The published script gives the offset the other sign.

        Args:
            faces: uint8 (F, H, W, 3), crops of one face; other frame rates than 25 take the nearest frame.
            waveform: (S,) at 16 kHz.
            frame_rate: of the pictures.

        Raises:
            CannotMeasure: if python_speech_features is not installed, or the clip is too short.
        """
        pictures, columns = face_windows(faces, frame_rate=frame_rate), sound_windows(waveform)
        # As in the published script, the last window stays out.
        length = min(len(pictures), len(columns)) - 1
        if length <= MAX_SHIFT:
            raise CannotMeasure("the clip is too short for the published SyncNet, which shifts by 0.6 s each way")
        picture = torch.cat([self.embed_picture(part.float()) for part in pictures[:length].split(_AT_ONCE)])
        sound = torch.cat([self.embed_sound(part) for part in columns[:length].split(_AT_ONCE)])
        return sync_scores(shift_distances(picture[None], sound[None], max_shift=MAX_SHIFT, zero_pad=True))[0]


def face_windows(faces: NDArray, *, frame_rate: float) -> Tensor:
    """uint8 (F, H, W, 3) to windows (N, 3, 5, 224, 224), blue-green-red, as the published network was fed."""
    count = int(len(faces) / frame_rate * FRAME_RATE + 0.5)
    index = ((np.arange(count) + 0.5) / FRAME_RATE * frame_rate).astype(int).clip(max=len(faces) - 1)
    x = torch.from_numpy(faces[index][..., ::-1].copy()).permute(0, 3, 1, 2).float()
    x = F.interpolate(x, (SIZE, SIZE), mode="bilinear", antialias=True)
    return rearrange(x.round().byte().unfold(0, WINDOW, 1), "n c h w t -> n c t h w")


def sound_windows(waveform: NDArray) -> Tensor:
    """(S,) at 16 kHz in [-1, 1] to windows (N, 1, 13, 20) of the MFCC that the network was trained on."""
    try:
        from python_speech_features import mfcc
    except ImportError as error:
        raise CannotMeasure("python_speech_features is not installed; pip install 'harmony[metrics]'") from error
    samples = (np.clip(waveform, -1.0, 1.0) * 32767).astype(np.int16)
    columns = torch.from_numpy(mfcc(samples, SAMPLE_RATE)).float()  # (T, 13)
    return rearrange(columns.unfold(0, WINDOW * COLUMNS, COLUMNS), "n m t -> n 1 m t")


def _block2d(inputs: int, outputs: int, kernel: int | tuple[int, int], *, padding: int = 0) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs), nn.ReLU()]


def _block3d(inputs: int, outputs: int, kernel: tuple[int, int, int], **options) -> list[nn.Module]:
    return [nn.Conv3d(inputs, outputs, kernel, **options), nn.BatchNorm3d(outputs), nn.ReLU()]


def _head(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, dim))
