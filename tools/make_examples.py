#!/usr/bin/env python3
"""Make the files in examples/, inputs that the app offers. All come from our own code, so none needs a licence.

python tools/make_examples.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from harmony import media
from harmony.data.world import Clip, render, sample_scene
from harmony.timeline import Timeline

RATE = 16_000
CLOCK = Timeline(sample_rate=RATE)
SIDE = 160  # pixels: pleasant to look at; the model takes what it needs
# Held out from training: kind of scene and its seed in the test split.
FILMS = {"drum.mp4": ("drum", 3), "bell.mp4": ("bell", 5), "cave.mp4": ("footsteps", 2)}
PICTURES = {"bell.png": ("bell", 2), "dog.png": ("dog", 0)}
SOUNDS = {"bark.wav": ("dog", 2)}
# One bar of eight steps: d a drum, c a clap, x both.
SHORT, LONG = "d.c.ddc.", "d.c.ddc.d.c.d.x.d.cdd.c.d.c.ddcc"
STEP = 0.25  # seconds


def drum(rng: np.random.Generator) -> np.ndarray:
    """A drum head: a falling tone, and the stick's short noise."""
    time = np.arange(int(0.7 * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(95 + 85 * np.exp(-time / 0.03)) / RATE
    return 0.8 * np.sin(phase) * np.exp(-time / 0.09) + 0.3 * rng.standard_normal(len(time)) * np.exp(-time / 0.004)


def clap(rng: np.random.Generator) -> np.ndarray:
    """Hands: four bursts of noise in quick succession, the last one ringing on."""
    time = np.arange(int(0.25 * RATE)) / RATE
    bursts = sum(
        np.where(time >= at, np.exp(-np.maximum(time - at, 0) / fall), 0)
        for at, fall in ((0.0, 0.002), (0.009, 0.002), (0.017, 0.002), (0.024, 0.03))
    )
    noise = np.diff(rng.standard_normal(len(time) + 1))  # differences: hands have no bass
    return 0.35 * bursts * noise


def rhythm(steps: str, seconds: float, *, seed: int) -> np.ndarray:
    """A pattern of drums and claps as a waveform (S,), first step after an eighth of a second."""
    rng = np.random.default_rng(seed)
    waveform = np.zeros(round(seconds * RATE) + RATE)
    for k, step in enumerate(steps):
        at = round((0.125 + k * STEP) * RATE)
        for instrument in {"d": [drum], "c": [clap], "x": [drum, clap], ".": []}[step]:
            stroke = instrument(rng)
            waveform[at : at + len(stroke)] += stroke
    waveform = waveform[: round(seconds * RATE)]
    return (0.9 * waveform / np.abs(waveform).max()).astype(np.float32)


def scene(kind: str, seed: int) -> Clip:
    """A clip of the tiny world that no model of ours was trained on."""
    return render(sample_scene(seed, kind=kind, split="test", duration=CLOCK.duration), CLOCK, height=SIDE, width=SIDE)


def make(folder: Path) -> list[Path]:
    """Write all examples into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [media.write_wav(folder / "rhythm.wav", rhythm(SHORT, CLOCK.duration, seed=1), RATE)]
    long = folder / "groove.ogg"
    soundfile.write(long, rhythm(LONG, len(LONG) * STEP + 0.5, seed=2), RATE, format="OGG", subtype="VORBIS")
    written.append(long)
    for name, (kind, seed) in SOUNDS.items():
        written.append(media.write_wav(folder / name, scene(kind, seed).waveform, RATE))
    for name, (kind, seed) in FILMS.items():
        clip = scene(kind, seed)
        tags = {"title": clip.captions.video, "comment": clip.captions.audio}
        written.append(
            media.write_clip(
                folder / name,
                clip.frames,
                clip.waveform,
                frame_rate=CLOCK.frame_rate,
                sample_rate=RATE,
                metadata=tags,
            )
        )
    for name, (kind, seed) in PICTURES.items():
        Image.fromarray(scene(kind, seed).frames[0]).save(folder / name, optimize=True)
        written.append(folder / name)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "examples")
    for path in make(parser.parse_args().folder):
        print(f"{path.stat().st_size / 1000:7.1f} kB  {path.name}")


if __name__ == "__main__":
    main()
