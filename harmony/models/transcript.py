"""What is said: text to units, units to embeddings, and the schedule that brings them to their time.

The encoder follows F5-TTS' text side: characters (pinyin for Chinese), an embedding and ConvNeXt V2 blocks; no
phonemiser is needed at inference. Two ways bring a unit to its moment, and training shows both, one or none:
its rotary position, stretched evenly over the clip, and a *timing track*, which says for each audio latent which unit
sounds there. The track is rendered from a :class:`Schedule` that people can see and move.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional as F

# 0 is filler (silence); letters and tone digits are what words are made of; a space parts words.
SYMBOLS = " 'abcdefghijklmnopqrstuvwxyz12345"
FILLER = 0
_IDS = {symbol: index + 1 for index, symbol in enumerate(SYMBOLS)}
NUM_SYMBOLS = len(SYMBOLS) + 1


def spoken_words(text: str) -> list[str]:
    """The words of a transcript as units: English in letters, Chinese as pinyin with tone digits.

    >>> spoken_words("Hello, red ball!")
    ['hello', 'red', 'ball']
    >>> spoken_words("你好 朋友")
    ['ni3hao3', 'peng2you3']
    """
    words = []
    for chunk in re.findall(r"[㐀-鿿]+|[^\W\d_㐀-鿿]+(?:['’][^\W\d_㐀-鿿]+)*", text):
        words.append(_pinyin(chunk) if "㐀" <= chunk[0] <= "鿿" else _letters(chunk))
    return [word for word in words if word]


def _letters(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.lower().replace("’", "'"))
    return "".join(c for c in plain if c in _IDS and not c.isspace())


def _pinyin(word: str) -> str:
    from pypinyin import Style, lazy_pinyin  # imported late: its dictionary takes a second to load

    syllables = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")
    return "".join(_letters_and_tones(s) for s in syllables)


def _letters_and_tones(syllable: str) -> str:
    return "".join(c for c in syllable.replace("ü", "v").lower() if c in _IDS and not c.isspace())


def transcript_ids(text: str | None) -> list[int]:
    """A transcript as unit ids, words parted by one space; nothing said gives an empty list."""
    return [_IDS[c] for c in " ".join(spoken_words(text))] if text else []


def word_ids(word: str) -> list[int]:
    """One spoken word (as :func:`spoken_words` gives it) as unit ids."""
    return [_IDS[c] for c in word]


def transcript_batch(texts: Sequence[str | None], num_audio_latents: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ids (B, N), mask (B, N) and rotary positions (B, N) in audio latents: unit k of n stands at (k + 1/2) T_a / n."""
    rows = [transcript_ids(text) for text in texts]
    length = max([1, *(len(row) for row in rows)])
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros(len(rows), length, dtype=torch.bool)
    position = torch.zeros(len(rows), length)
    for index, row in enumerate(rows):
        n = len(row)
        ids[index, :n] = torch.tensor(row, dtype=torch.long)
        mask[index, :n] = True
        position[index, :n] = (torch.arange(n) + 0.5) * num_audio_latents / max(n, 1)
    return ids, mask, position


class TranscriptEncoder(ModelMixin, ConfigMixin):
    """Unit embeddings refined by ConvNeXt V2 blocks; the same table embeds the timing track.

    Args:
        dim: width of the embeddings (the transformer's ``transcript_dim``).
        num_blocks: ConvNeXt V2 blocks of each path.
        num_symbols: size of the unit table, filler included.
    """

    @register_to_config
    def __init__(self, *, dim: int = 192, num_blocks: int = 3, num_symbols: int = NUM_SYMBOLS) -> None:
        super().__init__()
        self.symbol = nn.Embedding(num_symbols, dim)
        nn.init.normal_(self.symbol.weight, std=0.5)
        self.text_blocks = nn.ModuleList(ConvNeXtV2Block(dim) for _ in range(num_blocks))
        self.timing_blocks = nn.ModuleList(ConvNeXtV2Block(dim) for _ in range(num_blocks))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Ids (B, N) and mask (B, N) to embeddings (B, N, dim); masked rows are zero."""
        keep = mask[..., None].to(self.symbol.weight.dtype)
        x = self.symbol(ids) * keep
        for block in self.text_blocks:
            x = block(x, keep)
        return x

    def encode_timing(self, ids: Tensor) -> Tensor:
        """A timing track (B, A) of unit ids, filler where nobody speaks, to embeddings (B, A, dim)."""
        x = self.symbol(ids)
        everywhere = torch.ones_like(x[..., :1])
        for block in self.timing_blocks:
            x = block(x, everywhere)
        return x


class ConvNeXtV2Block(nn.Module):
    """Depthwise convolution, norm, pointwise MLP with global response normalisation (arXiv 2301.00808), residual."""

    def __init__(self, dim: int, *, kernel_size: int = 7, expansion: int = 2) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.expand = nn.Linear(dim, expansion * dim)
        self.gamma = nn.Parameter(torch.zeros(expansion * dim))
        self.beta = nn.Parameter(torch.zeros(expansion * dim))
        self.project = nn.Linear(expansion * dim, dim)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """(B, N, D) to the same shape; rows where ``keep`` (B, N, 1) is 0 stay 0 and influence nothing."""
        h = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        h = F.gelu(self.expand(self.norm(h))) * keep
        energy = h.norm(dim=1, keepdim=True)
        response = energy / (energy.mean(dim=-1, keepdim=True) + 1e-6)
        return x + self.project(self.gamma * (h * response) + self.beta + h) * keep
