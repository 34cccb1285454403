"""A random pipeline of a few thousand weights: every mechanism at a size that tests can afford."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.models.config import HarmonyConfig
from harmony.models.text import CaptionEncoder, CaptionTokenizer
from harmony.models.transcript import TranscriptEncoder
from harmony.models.transformer import HarmonyTransformer

WORDS = ("a", "the", "is", "in", "red", "blue", "drum", "lamp", "woman", "man", "says", "hits", "quiet", "loud")


def micro_components(seed: int = 0) -> dict[str, Any]:
    """Every component of a :class:`~harmony.pipeline.HarmonyPipeline`, random but for the clock.

    What models start at zero is random here too, so that every condition leaves a trace in the clip.
    """
    config = HarmonyConfig.micro()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tokenizer = CaptionTokenizer.from_words(WORDS)
        transformer = HarmonyTransformer.from_harmony_config(config)
        for parameter in transformer.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.1)
        return dict(
            transformer=transformer.eval(),
            tokenizer=tokenizer,
            text_encoder=CaptionEncoder(
                vocab_size=len(tokenizer), dim=config.text_dim, num_layers=1, num_heads=2
            ).eval(),
            transcript_encoder=TranscriptEncoder(dim=config.transcript_dim, num_blocks=1).eval(),
            video_codec=PatchVideoCodec.micro().eval(),
            audio_codec=MelAudioCodec.micro().eval(),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        )
