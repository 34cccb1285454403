"""``harmony train``: fill caches, run trainings, export what they made."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Annotated

import torch
import typer

from harmony.data.fill import Encoder, fill_cache
from harmony.data.home import cache_home
from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.timeline import Timeline
from harmony.training.checkpoint import TOKENIZER_FOLDER
from harmony.training.config import TrainingConfig
from harmony.training.trainee import Trainee, load_tokenizer
from harmony.training.trainer import Trainer, open_cache, run_folder, start_over
from harmony.training.validation import Validation
from harmony.training.warmstart import find_source, warm_start

app = typer.Typer(help="Train Harmony models: caches of clips, the three stages, export.", no_args_is_help=True)

SPLITS = ("train", "val", "test")


@app.command()
def cache(
    clips: Annotated[int, typer.Option(help="How many clips to render.")],
    start: Annotated[int, typer.Option(help="Seed of the first clip.")] = 0,
    name: Annotated[str | None, typer.Option(help="The cache's name; by default that of the split.")] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "train",
    kinds: Annotated[str | None, typer.Option(help="Scene kinds in turn, parted by commas; default: all.")] = None,
    codecs: Annotated[Path | None, typer.Option(help="Folder with video/ and audio/ codecs.")] = None,
    frames: Annotated[int, typer.Option(help="Pictures per clip.")] = 33,
    size: Annotated[int, typer.Option(help="Width and height in pixels.")] = 64,
    reference_seconds: Annotated[float, typer.Option(help="Length of the voice references.")] = 2.0,
    shard_size: Annotated[int, typer.Option(help="Clips per shard.")] = 500,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
) -> None:
    """Render clips of the tiny world, encode them and append them to a latent cache."""
    if split not in SPLITS:
        raise typer.BadParameter(f"there is no split '{split}'; choose train, val or test")
    torch.set_num_threads(threads)
    encoder = open_encoder(codecs, frames=frames, size=size, reference_seconds=reference_seconds)
    folder = cache_home() / "latents" / (name or split)
    added = fill_cache(
        folder,
        encoder,
        range(start, start + clips),
        split=split,  # type: ignore[arg-type]  (checked above)
        kinds=kinds.split(",") if kinds else None,
        shard_size=shard_size,
        report=typer.echo,
    )
    typer.echo(f"{added} clips added to {folder}")


def open_encoder(codecs: Path | None, *, frames: int, size: int, reference_seconds: float) -> Encoder:
    """The codecs in ``codecs`` (default: the cache's own) with the clock that goes with them."""
    folder = codecs or cache_home() / "codecs"
    if not (folder / "video").is_dir() or not (folder / "audio").is_dir():
        raise typer.BadParameter(f"there are no codecs in {folder}; train them first or name their folder")
    video = PatchVideoCodec.from_pretrained(str(folder / "video")).float().eval()
    audio = MelAudioCodec.from_pretrained(str(folder / "audio")).float().eval()
    timeline = Timeline(
        num_frames=frames,
        temporal_stride=video.temporal_stride,
        sample_rate=audio.sample_rate,
        audio_latent_rate=audio.latent_rate,
    )
    return Encoder(video, audio, timeline, height=size, width=size, reference_seconds=reference_seconds)


@app.command()
def run(
    configs: Annotated[list[str], typer.Argument(help="YAML files, or names such as tiny-stage3; run in turn.")],
    change: Annotated[list[str] | None, typer.Option("--set", help="Override, e.g. run.steps=6000.")] = None,
    fresh: Annotated[bool, typer.Option(help="Forget an earlier run of this name.")] = False,
) -> None:
    """Train; a run that was stopped goes on where it was saved. Under `accelerate launch` on many devices."""
    stop = _stop_on_signals()
    for path in configs:
        config = TrainingConfig.load(path, change)
        if fresh:
            start_over(run_folder(config.name))
        trainer = Trainer(config, report=typer.echo)
        progress = trainer.train(stop=stop)
        typer.echo(f"{config.name}: {progress.step} steps, saved in {trainer.folder}")
        if not trainer.is_done:
            break


def _stop_on_signals() -> threading.Event:
    """Ctrl-C and a polite kill end a training at the next step, saved."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@app.command()
def validate(
    sources: Annotated[list[str], typer.Argument(help="Runs by name or folder, or exported checkpoints.")],
    config: Annotated[str, typer.Option(help="Training file that says how clips are shown.")] = "tiny-stage3",
    clips: Annotated[int, typer.Option(help="Held-out clips.")] = 96,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Held-out losses of averaged weights, each set on the same clips under the same noise, in float32."""
    settings = TrainingConfig.load(config, [f"run.validation_clips={clips}"])
    held_out = open_cache((settings.data.validation,))
    found = {}
    for source in sources:
        tokenizer = load_tokenizer(find_source(source) / TOKENIZER_FOLDER)
        model = Trainee.build(settings.model, tokenizer)
        warm_start(model, source)
        validation = Validation.build(held_out, tokenizer, settings)
        losses = validation.measure(model.eval(), dtype=torch.float32, device=torch.device("cpu"))
        name = Path(source).name
        found[name] = {key: round(value, 4) for key, value in losses.items() if "/" not in key}
        typer.echo(f"{name}: " + " ".join(f"{key} {value:.4f}" for key, value in found[name].items()))
    if out is not None:
        record = {"command": f"harmony train validate {' '.join(Path(s).name for s in sources)} --clips {clips}"}
        out.write_text(json.dumps(record | {"losses": found}, indent=2) + "\n", encoding="utf-8")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    target: Annotated[Path, typer.Argument(help="Where the checkpoint goes.")] = Path("assets/harmony-tiny"),
    dtype: Annotated[str, typer.Option(help="bf16, fp16 or fp32.")] = "bf16",
    codec_dtype: Annotated[str, typer.Option(help="fp16 or fp32.")] = "fp16",
    codecs: Annotated[Path | None, typer.Option(help="Folder with video/ and audio/ codecs.")] = None,
) -> None:
    """Write a run's averaged weights as a checkpoint in diffusers' folder layout."""
    from harmony.training.export import DTYPES, export_run

    for given in (dtype, codec_dtype):
        if given not in DTYPES:
            raise typer.BadParameter(f"there is no precision '{given}'; choose one of {', '.join(DTYPES)}")
    folder = Path(name) if Path(name).is_dir() else run_folder(name)
    export_run(folder, target, dtype=dtype, codec_dtype=codec_dtype, codecs=codecs)  # type: ignore[arg-type]
    files = [file for file in target.rglob("*") if file.is_file()]
    total = sum(file.stat().st_size for file in files) / 1e6
    largest = max(file.stat().st_size for file in files) / 1e6
    typer.echo(f"{target}: {len(files)} files, {total:.1f} MB, the largest {largest:.1f} MB")
