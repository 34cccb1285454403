"""Makes the tiny model's codecs: ``python -m harmony.training.codecs --help``.

The order is: fit both bases (seconds; every latent ever cached depends on them, so they are fitted once), then train
both decoders for as long as one likes, while the transformer trains on the same latents::

    python -m harmony.training.codecs video-basis --out CODECS/video
    python -m harmony.training.codecs audio-basis --out CODECS/audio
    python -m harmony.training.codecs video-decoder --out CODECS/video --steps 6000
    python -m harmony.training.codecs audio-decoder --out CODECS/audio --steps 6000
    python -m harmony.training.codecs measure --video CODECS/video --audio CODECS/audio

``video-redraw`` gives an older codec a new decoder (one that draws larger, say) on the same basis, so that latents and
transformer stay as they are. A training that is stopped goes on from its last checkpoint, with the same command.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from harmony.data.home import cache_home
from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.training.clip_pool import ClipPool, PoolSpec
from harmony.training.codec_bases import fit_audio_basis, fit_video_basis
from harmony.training.codec_decoders import PictureTask, SoundTask
from harmony.training.codec_report import measure_pictures, measure_sounds
from harmony.training.codec_run import CHECKPOINT, DecoderRun

logger = logging.getLogger(__name__)
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Out = Annotated[Path, typer.Option(help="The codec's folder (diffusers layout).")]
Clips = Annotated[int, typer.Option(help="How many training clips to draw; they are kept in the cache.")]
Threads = Annotated[int, typer.Option(help="CPU threads.")]
Replace = Annotated[bool, typer.Option("--replace", help="Fit anew although the folder holds a codec.")]
Steps = Annotated[int, typer.Option(help="Train until this step; more than before goes on.")]
Batch = Annotated[int, typer.Option(help="Clips a step.")]
Rate = Annotated[float, typer.Option(help="Highest learning rate.")]
Noise = Annotated[float, typer.Option(help="Highest standard deviation of noise on the latents.")]
Device = Annotated[str, typer.Option(help="cpu, or cuda.")]
Workers = Annotated[int, typer.Option(help="Processes that draw the clips.")]
SaveMinutes = Annotated[float, typer.Option(help="Minutes between checkpoints.")]


def open_pool(count: int, *, split: str = "train", enlargement: int = 1, workers: int = 1) -> ClipPool:
    """The pool of that many clips in the cache folder, drawn as large as a codec with that enlargement draws."""
    spec = PoolSpec(count=count, split=split)
    return ClipPool.open(cache_home() / "clips", replace(spec, size=enlargement * spec.size), workers=workers)


@app.command()
def video_basis(
    out: Out,
    channels: Annotated[int, typer.Option(help="Latent channels.")] = 160,
    clips: Clips = 1500,
    motion_weight: Annotated[float, typer.Option(help="How much more moving patches count.")] = 0.3,
    replace: Replace = False,
    threads: Threads = 1,
) -> None:
    """Fit the picture codec's basis."""
    _prepare(out, replace=replace, threads=threads)
    codec = PatchVideoCodec.tiny(channels)
    shares = fit_video_basis(codec, open_pool(clips), motion_weight=motion_weight)
    codec.save_pretrained(out)
    logger.info("%d channels hold %.2f %% of the picture's variance", channels, 100 * shares.sum())


@app.command()
def video_redraw(
    source: Annotated[Path, typer.Option(help="A picture codec's folder.")],
    out: Out,
    replace: Replace = False,
) -> None:
    """Write that codec with a decoder of today's shape, which starts from what fits of the old one."""
    _prepare(out, replace=replace, threads=1)
    old = PatchVideoCodec.from_pretrained(source)
    codec = PatchVideoCodec.tiny(old.latent_channels)
    codec.set_basis(old.basis, old.mean, old.scale)
    known = old.decoder.state_dict()
    fits = {n: known[n] for n, p in codec.decoder.state_dict().items() if n in known and known[n].shape == p.shape}
    codec.decoder.load_state_dict(fits, strict=False)
    codec.save_pretrained(out)
    fresh = sorted(codec.decoder.state_dict().keys() - fits.keys())
    logger.info("%d tensors of the decoder taken over; fresh: %s", len(fits), ", ".join(fresh))


@app.command()
def audio_basis(
    out: Out,
    channels: Annotated[int, typer.Option(help="Latent channels, two of pitch included.")] = 40,
    clips: Clips = 1500,
    replace: Replace = False,
    threads: Threads = 1,
) -> None:
    """Fit the sound codec's basis."""
    _prepare(out, replace=replace, threads=threads)
    codec = MelAudioCodec(latent_channels=channels)
    shares = fit_audio_basis(codec, open_pool(clips))
    codec.save_pretrained(out)
    logger.info("%d mel channels hold %.2f %% of the log-mels' variance", channels - 2, 100 * shares.sum())


@app.command()
def video_decoder(
    out: Out,
    steps: Steps = 6000,
    clips: Clips = 1500,
    batch: Batch = 12,
    learning_rate: Rate = 1.5e-3,
    noise: Noise = 0.15,
    save_minutes: SaveMinutes = 3.0,
    threads: Threads = 1,
    workers: Workers = 1,
    device: Device = "cpu",
) -> None:
    """Train the picture codec's decoder, or go on."""
    torch.set_num_threads(threads)
    codec = PatchVideoCodec.from_pretrained(out).to(device)
    pool = open_pool(clips, enlargement=codec.enlargement, workers=workers)
    task = PictureTask(codec, pool, batch=batch, noise=noise)
    DecoderRun(codec, out, learning_rate=learning_rate, steps=steps).train(task.loss, save_minutes=save_minutes)


@app.command()
def audio_decoder(
    out: Out,
    steps: Steps = 6000,
    clips: Clips = 1500,
    batch: Batch = 6,
    learning_rate: Rate = 1e-3,
    noise: Noise = 0.1,
    save_minutes: SaveMinutes = 3.0,
    threads: Threads = 1,
    workers: Workers = 1,
    device: Device = "cpu",
) -> None:
    """Train the sound codec's vocoder, or go on."""
    torch.set_num_threads(threads)
    codec = MelAudioCodec.from_pretrained(out).to(device)
    task = SoundTask(codec, open_pool(clips, workers=workers), batch=batch, noise=noise)
    DecoderRun(codec, out, learning_rate=learning_rate, steps=steps).train(task.loss, save_minutes=save_minutes)


@app.command()
def measure(
    video: Annotated[Path | None, typer.Option(help="A picture codec's folder.")] = None,
    audio: Annotated[Path | None, typer.Option(help="A sound codec's folder.")] = None,
    clips: Annotated[int, typer.Option(help="Held-out clips to draw.")] = 96,
    noise: Annotated[float, typer.Option(help="Standard deviation of noise on the latents.")] = 0.0,
    threads: Threads = 1,
) -> None:
    """Measure codecs on held-out clips and print the figures as JSON."""
    torch.set_num_threads(threads)
    figures: dict[str, dict[str, float]] = {}
    if video is not None:
        codec = PatchVideoCodec.from_pretrained(video)
        pool = open_pool(clips, split="val", enlargement=codec.enlargement)
        figures["video"] = measure_pictures(codec, pool, noise=noise)
    if audio is not None:
        pool = open_pool(clips, split="val")
        figures["audio"] = measure_sounds(MelAudioCodec.from_pretrained(audio), pool, noise=noise)
    typer.echo(json.dumps(figures, indent=2))


def _prepare(out: Path, *, replace: bool, threads: int) -> None:
    if (out / "config.json").exists() and not replace:
        raise typer.BadParameter(
            f"{out} holds a codec already, and every cached latent depends on its basis; "
            "choose another folder, or say --replace"
        )
    (out / CHECKPOINT).unlink(missing_ok=True)  # a decoder learned for another basis
    torch.set_num_threads(threads)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    app()
