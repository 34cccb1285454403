"""What is trained together: the transformer and the two text encoders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from harmony.models.text import CaptionEncoder, CaptionTokenizer
from harmony.models.transcript import TranscriptEncoder
from harmony.models.transformer import HarmonyTransformer
from harmony.training.config import ModelConfig

COMPONENTS: dict[str, Any] = {
    "transformer": HarmonyTransformer,
    "text_encoder": CaptionEncoder,
    "transcript_encoder": TranscriptEncoder,
}


class Trainee(nn.Module):
    """The trained components of a pipeline, and the caption tokenizer that goes with them."""

    def __init__(
        self,
        transformer: HarmonyTransformer,
        text_encoder: CaptionEncoder,
        transcript_encoder: TranscriptEncoder,
        tokenizer: CaptionTokenizer,
    ) -> None:
        super().__init__()
        self.transformer = transformer
        self.text_encoder = text_encoder
        self.transcript_encoder = transcript_encoder
        self.tokenizer = tokenizer

    @classmethod
    def build(cls, config: ModelConfig, tokenizer: CaptionTokenizer) -> Trainee:
        """Fresh weights."""
        shape = config.harmony_config()
        return cls(
            HarmonyTransformer.from_harmony_config(shape),
            CaptionEncoder(
                vocab_size=len(tokenizer),
                dim=shape.text_dim,
                num_layers=config.caption_layers,
                num_heads=config.caption_heads,
                max_length=tokenizer.model_max_length,
            ),
            TranscriptEncoder(dim=shape.transcript_dim, num_blocks=config.transcript_blocks),
            tokenizer,
        )

    def trained_names(self, streams: str, *, only: Sequence[str] = ()) -> set[str]:
        """Names of the parameters that learn: all, or those that one of the ``streams`` needs alone; of them those with
        one of ``only`` in their names.

        Raises:
            ValueError: if there are none.
        """
        names = {name for name, _ in self.named_parameters()}
        if streams != "both":
            names = {name for name in names if _serves_alone(name, streams)}
        names = {name for name in names if not only or any(part in name for part in only)}
        if not names:
            raise ValueError(f"no parameter has one of {', '.join(only)} in its name; see train_only")
        return names


def _serves_alone(name: str, stream: str) -> bool:
    """Whether a parameter is reached when one stream runs alone: not the other stream, nothing between them."""
    if not name.startswith("transformer."):
        return stream == "audio" or not name.startswith("transcript_encoder.")
    parts = name.split(".")
    inner = parts[3:] if parts[1] == "blocks" else parts[1:]
    return inner[0] == stream and not any("cross_time" in part for part in inner)


def load_tokenizer(folder: str | Path) -> CaptionTokenizer:
    return CaptionTokenizer.from_pretrained(str(folder))
