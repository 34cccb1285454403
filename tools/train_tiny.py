"""Train harmony-tiny on one machine within a given time: draw the world, train the transformer and the picture decoder
side by side, export.

python tools/train_tiny.py --minutes 60 --out assets/harmony-tiny

Everything is kept in $HARMONY_CACHE; what is there already is used, and a stopped run goes on. The codecs' bases are
the shipped ones, because the latents depend on them. Drawing the world takes most of the CPU: some 40 clips a second
and process.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from harmony.data.cache import LatentCache
from harmony.data.home import cache_home
from harmony.training.checkpoint import read_progress
from harmony.training.trainer import run_folder

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "assets" / "harmony-tiny"
SEEDS_PER_FILLER = 1_000_000
SAVING = 0.4  # minutes from the last step to the checkpoint


def main(
    minutes: Annotated[float, typer.Option(help="From the start to the finished checkpoint.")] = 60.0,
    out: Annotated[Path, typer.Option(help="Where the checkpoint goes.")] = SHIPPED,
    name: Annotated[str, typer.Option(help="Of the run.")] = "tiny",
    config: Annotated[str, typer.Option(help="Training file.")] = "tiny-stage3",
    start_from: Annotated[str, typer.Option(help="A run or a checkpoint; null for fresh weights.")] = str(SHIPPED),
    change: Annotated[list[str] | None, typer.Option("--set", help="Override, as in harmony train run.")] = None,
    codecs: Annotated[
        Path | None, typer.Option(help="Folder with video/ and audio/; default: the shipped ones.")
    ] = None,
    fillers: Annotated[int, typer.Option(help="Processes that draw the world.")] = max(1, (os.cpu_count() or 2) - 6),
    workers: Annotated[int, typer.Option(help="Processes that make batches.")] = 5,
    first_clips: Annotated[int, typer.Option(help="Clips to wait for before the training starts.")] = 4000,
    decoder_steps: Annotated[int, typer.Option(help="Of the picture decoder; 0 leaves it as it is.")] = 6000,
    decoder_clips: Annotated[int, typer.Option(help="Clips that the decoder learns from.")] = 4000,
    device: Annotated[str, typer.Option(help="Of the decoder.")] = "cuda",
) -> None:
    began = time.monotonic()
    home = cache_home()
    for kind in ("video", "audio"):
        if not (home / "codecs" / kind).is_dir():
            shutil.copytree(codecs / kind if codecs else SHIPPED / f"{kind}_codec", home / "codecs" / kind)
    if not (home / "speech" / "index.json").is_file():
        run("tools/speech/make_bank.py")

    tell(began, "drawing")
    draw = ("-m", "harmony.training", "cache", "--shard-size")
    drawing = [
        start(*draw, "250", "--clips", SEEDS_PER_FILLER, "--start", SEEDS_PER_FILLER * n) for n in range(1, fillers + 1)
    ]
    run(*draw, "64", "--split", "val", "--clips", "192")
    decoding = None
    if decoder_steps:
        decoding = start(
            *("-m", "harmony.training.codecs", "video-decoder", "--out", home / "codecs" / "video"),
            *("--steps", decoder_steps, "--clips", decoder_clips, "--batch", 48, "--noise", 0.4),
            *("--workers", 4, "--device", device, "--save-minutes", 0.5),
        )
    try:
        while count(home / "latents" / "train") < first_clips:
            time.sleep(2)
        tell(began, f"training, {count(home / 'latents' / 'train')} clips")
        before = read_progress(run_folder(name))
        end = minutes - (time.monotonic() - began) / 60 - SAVING + (before.minutes if before else 0.0)
        options = [f"name={name}", f"init_from={start_from}", "run.steps=1000000"]
        options += [f"run.total_minutes={end:.2f}", f"run.workers={workers}", *(change or [])]
        run("-m", "harmony.training", "run", config, *(part for option in options for part in ("--set", option)))
        tell(began, f"trained, {count(home / 'latents' / 'train')} clips")
    finally:
        for process in drawing:
            process.kill()
        if decoding is not None and decoding.poll() is None:
            tell(began, "the decoder had steps left")
            decoding.send_signal(signal.SIGKILL)
    run("-m", "harmony.training", "export", name, out, "--dtype", "fp16")
    tell(began, f"exported to {out}")


def count(cache: Path) -> int:
    return len(LatentCache(cache)) if (cache / "cache.json").is_file() else 0


def start(*arguments: object) -> subprocess.Popen:
    """One thread each: there are as many processes as cores."""
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    }
    return subprocess.Popen([sys.executable, *map(str, arguments)], cwd=ROOT, env=env)


def run(*arguments: object) -> None:
    process = start(*arguments)
    if process.wait():
        raise SystemExit(f"{' '.join(map(str, arguments))} failed")


def tell(began: float, what: str) -> None:
    print(f"[{time.monotonic() - began:6.1f} s] {what}", flush=True)


if __name__ == "__main__":
    typer.run(main)
