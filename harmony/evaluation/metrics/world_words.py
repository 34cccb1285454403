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

HOP_SECONDS = 0.01


class WorldRecogniser(ModelMixin, ConfigMixin):
    """Sound to scores of words, every 20 ms, for connectionist temporal classification (CTC).

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
        self.head = nn.Linear(2 * width, len(vocabulary) + 1)  # the last one is CTC's blank

    @property
    def blank(self) -> int:
        """Index of the score that says "no word begins here"."""
        return len(self.config.vocabulary)

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, S) to log-probabilities (B, T, words + 1)."""
        mel = self.mel(waveform).clamp_min(1e-6).log()
        mel = (mel - mel.mean((1, 2), keepdim=True)) / (mel.std((1, 2), keepdim=True) + 1e-3)
        x, _ = self.read(self.listen(mel).transpose(1, 2))
        return self.head(x).log_softmax(-1)

    @torch.no_grad()
    def words(self, waveform: Tensor) -> list[list[str]]:
        """What is said in each of (B, S): the best word at each time, repetitions and blanks taken out."""
        best = self(waveform).argmax(-1)
        said = []
        for row in best:
            kept = torch.unique_consecutive(row)
            said.append([self.config.vocabulary[k] for k in kept.tolist() if k != self.blank])
        return said


def recogniser_loss(model: WorldRecogniser, waveform: Tensor, said: Sequence[Sequence[str]]) -> Tensor:
    """CTC's negative log-likelihood of the words of each of (B, S), mean over words."""
    scores = model(waveform).transpose(0, 1)
    index = {word: k for k, word in enumerate(model.config.vocabulary)}
    targets = torch.tensor([index[word] for words in said for word in words])
    lengths = torch.tensor([len(words) for words in said])
    times = torch.full((len(said),), scores.shape[0])
    return F.ctc_loss(scores, targets, times, lengths, blank=model.blank, zero_infinity=True)


def syllables(words: Sequence[str]) -> list[str]:
    """Mandarin words to syllables: one character, one syllable."""
    return [character for word in words for character in word]
