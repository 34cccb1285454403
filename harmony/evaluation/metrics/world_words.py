"""What is said, in the words of the tiny world: a small recogniser of our own for English and Mandarin.

It knows the world's words and nothing else. It learned them from the training voices; the held-out ones are new to it.
Its own errors on true clips stand beside a model's in every report.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torchaudio
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.data.world import Word

HOP_SECONDS = 0.01
LEAST_SCORES = 4  # of 20 ms: no word of the world is shorter


class WorldRecogniser(ModelMixin, ConfigMixin):
    """Sound to scores of words, every 20 ms.

    Args:
        vocabulary: words of both languages.
        sample_rate: of the sound.
        num_mels, width: bands and channels.
    """

    @register_to_config
    def __init__(
        self, *, vocabulary: list[str], sample_rate: int = 16_000, num_mels: int = 64, width: int = 128
    ) -> None:
        super().__init__()
        hop = round(sample_rate * HOP_SECONDS)
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate, n_fft=512, win_length=400, hop_length=hop, n_mels=num_mels, f_min=60.0
        )
        self.listen = nn.Sequential(
            nn.Conv1d(num_mels, width, 5, padding=2), nn.GELU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2), nn.GELU(), nn.Dropout(0.1),
        )  # fmt: skip
        self.read = nn.GRU(width, width, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)
        self.head = nn.Linear(2 * width, len(vocabulary) + 1)  # the last one is silence

    @property
    def silence(self) -> int:
        """Index of the score that says "no word"."""
        return len(self.config.vocabulary)

    @property
    def hop(self) -> int:
        """Samples between two scores."""
        return 2 * round(self.config.sample_rate * HOP_SECONDS)

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, S) to scores (B, T, words + 1)."""
        mel = self.mel(waveform).clamp_min(1e-6).log()
        mel = (mel - mel.mean((1, 2), keepdim=True)) / (mel.std((1, 2), keepdim=True) + 1e-3)
        x, _ = self.read(self.listen(mel).transpose(1, 2))
        return self.head(x)

    @torch.no_grad()
    def words(self, waveform: Tensor) -> list[list[str]]:
        """What is said in each of (B, S): the best word at each time, as often as it lasts a while without a pause."""
        said = []
        for row in self(waveform).argmax(-1):
            kept, lengths = torch.unique_consecutive(row, return_counts=True)
            spoken = zip(kept.tolist(), lengths.tolist(), strict=True)
            words = [k for k, length in spoken if k != self.silence and length >= LEAST_SCORES]
            said.append([self.config.vocabulary[k] for k in words])
        return said


def recogniser_loss(model: WorldRecogniser, waveform: Tensor, spoken: Tensor) -> Tensor:
    """Cross-entropy of what is said at each time.

    Args:
        waveform: (B, S).
        spoken: (B, T') indices of words, ``model.silence`` between them; see :func:`spoken_at`.
    """
    scores = model(waveform)
    length = min(scores.shape[1], spoken.shape[1])
    return F.cross_entropy(scores[:, :length].flatten(0, 1), spoken[:, :length].flatten())


def spoken_at(model: WorldRecogniser, words: Sequence[Word], *, num_samples: int) -> Tensor:
    """Which word sounds at each score's time: (T,) indices."""
    found = torch.full((num_samples // model.hop + 1,), model.silence)
    for word in words:
        first, end = (round(seconds * model.config.sample_rate / model.hop) for seconds in (word.start, word.end))
        found[first:end] = model.config.vocabulary.index(word.text)
    return found


def syllables(words: Sequence[str]) -> list[str]:
    """Mandarin words to syllables: one character, one syllable."""
    return [character for word in words for character in word]
