"""Captions of the small model: a word-level tokenizer and a little encoder that is trained with it.

At full size umT5 takes this place; the transformer only ever sees embeddings and a mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

PAD, UNK = "[PAD]", "[UNK]"


class CaptionTokenizer(PreTrainedTokenizerFast):
    """Lower-case words, accents and punctuation dropped; a word outside the list becomes ``[UNK]``.

    Example:
        >>> tokenizer = CaptionTokenizer.from_words(["a", "red", "drum"])
        >>> tokenizer.unknown_words("A crimson drum!")
        ['crimson']
    """

    @classmethod
    def from_words(cls, words: Iterable[str], *, model_max_length: int = 64) -> CaptionTokenizer:
        """Build the tokenizer from the words that captions can contain."""
        vocabulary = {token: index for index, token in enumerate([PAD, UNK, *sorted({w.lower() for w in words})])}
        backend = Tokenizer(WordLevel(vocabulary, unk_token=UNK))
        backend.normalizer = normalizers.Sequence(
            [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
        )
        # Words keep inner apostrophes and hyphens; everything else separates.
        word = Regex(r"[^\W_]+(?:['’-][^\W_]+)*")
        backend.pre_tokenizer = pre_tokenizers.Split(word, behavior="removed", invert=True)
        return cls(
            tokenizer_object=backend,
            pad_token=PAD,
            unk_token=UNK,
            padding_side="right",
            model_max_length=model_max_length,
        )

    def words_of(self, text: str) -> list[str]:
        """The words of ``text`` as the tokenizer sees them."""
        normalized = self.backend_tokenizer.normalizer.normalize_str(text)
        return [word for word, _ in self.backend_tokenizer.pre_tokenizer.pre_tokenize_str(normalized)]

    def unknown_words(self, text: str) -> list[str]:
        """The words of ``text`` that the model has never seen."""
        known = self.get_vocab()
        return [word for word in self.words_of(text) if word not in known]

    def encode_batch(self, texts: Sequence[str | None]) -> tuple[Tensor, Tensor]:
        """Texts to ids (B, L) and mask (B, L) bool; ``None`` and "" give an all-False row. L is at least 1."""
        rows = [self(text, truncation=True)["input_ids"] if text else [] for text in texts]
        length = max(1, *(len(row) for row in rows)) if rows else 1
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        mask = torch.zeros(len(rows), length, dtype=torch.bool)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[index, : len(row)] = True
        return ids, mask


class CaptionEncoder(ModelMixin, ConfigMixin):
    """Word embeddings, learned positions and a few pre-norm self-attention layers.

    Args:
        vocab_size: words, with [PAD] and [UNK].
        dim: width of the embeddings (the transformer's ``text_dim``).
        num_layers, num_heads: of the encoder.
        max_length: longest caption in words; longer ones are cut by the tokenizer.
    """

    _supports_gradient_checkpointing = False

    @register_to_config
    def __init__(
        self, *, vocab_size: int, dim: int = 192, num_layers: int = 2, num_heads: int = 6, max_length: int = 64
    ) -> None:
        super().__init__()
        self.word = nn.Embedding(vocab_size, dim)
        self.position = nn.Embedding(max_length, dim)
        layer = nn.TransformerEncoderLayer(
            dim, num_heads, dim_feedforward=4 * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, num_layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        nn.init.normal_(self.word.weight, std=0.5)
        nn.init.normal_(self.position.weight, std=0.1)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Ids (B, L) and mask (B, L) bool to embeddings (B, L, dim); masked rows are zero."""
        x = self.word(ids) + self.position(torch.arange(ids.shape[1], device=ids.device))
        # A caption without words would make softmax divide by zero: let it look at its first pad, then blank it.
        ignored = ~mask
        ignored = torch.cat([ignored[:, :1] & mask.any(1, keepdim=True), ignored[:, 1:]], dim=1)
        x = self.layers(x, src_key_padding_mask=ignored)
        return x * mask[..., None]
