"""Makes the tiny model's codecs: ``python -m harmony.training.codecs --help``.

The order is: fit both bases (seconds; every latent ever cached depends on them, so they are fitted once), then train
both decoders for as long as one likes, while the transformer trains on the same latents::

    python -m harmony.training.codecs video-basis --out CODECS/video
    python -m harmony.training.codecs audio-basis --out CODECS/audio
    python -m harmony.training.codecs video-decoder --out CODECS/video --steps 6000
    python -m harmony.training.codecs audio-decoder --out CODECS/audio --steps 6000
    python -m harmony.training.codecs measure --video CODECS/video --audio CODECS/audio

A training run that is stopped goes on where its last checkpoint stands, with the same command.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import torch
import typer

from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.training.clip_pool import ClipPool, PoolSpec
from harmony.training.codec_bases import fit_audio_basis, fit_video_basis

logger = logging.getLogger(__name__)
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Out = Annotated[Path, typer.Option(help="The codec's folder (diffusers layout).")]
Clips = Annotated[int, typer.Option(help="How many training clips to draw; they are kept in the cache.")]
Threads = Annotated[int, typer.Option(help="CPU threads.")]


def cache_folder() -> Path:
    """``$HARMONY_CACHE``, or ``~/.cache/harmony``."""
    return Path(os.environ.get("HARMONY_CACHE") or Path.home() / ".cache" / "harmony")


def open_pool(count: int, *, split: str = "train") -> ClipPool:
    """The pool of that many clips in the cache folder."""
    return ClipPool.open(cache_folder() / "clips" / f"{split}-{count}", PoolSpec(count=count, split=split))


@app.command()
def video_basis(
    out: Out,
    channels: Annotated[int, typer.Option(help="Latent channels.")] = 24,
    clips: Clips = 1500,
    motion_weight: Annotated[float, typer.Option(help="How much more moving patches count.")] = 3.0,
    threads: Threads = 1,
) -> None:
    """Fit the picture codec's basis; a decoder in the folder starts anew."""
    torch.set_num_threads(threads)
    codec = PatchVideoCodec(latent_channels=channels)
    shares = fit_video_basis(codec, open_pool(clips), motion_weight=motion_weight)
    codec.save_pretrained(out)
    logger.info("%d channels hold %.2f %% of the picture's variance", channels, 100 * shares.sum())


@app.command()
def audio_basis(
    out: Out,
    channels: Annotated[int, typer.Option(help="Latent channels, two of pitch included.")] = 40,
    clips: Clips = 1500,
    threads: Threads = 1,
) -> None:
    """Fit the sound codec's basis; a decoder in the folder starts anew."""
    torch.set_num_threads(threads)
    codec = MelAudioCodec(latent_channels=channels)
    shares = fit_audio_basis(codec, open_pool(clips))
    codec.save_pretrained(out)
    logger.info("%d mel channels hold %.2f %% of the log-mels' variance", channels - 2, 100 * shares.sum())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    app()
