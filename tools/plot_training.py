"""Draws the learning curves of one or more runs, one after the other, for the model card.

python tools/plot_training.py tiny-stage1 tiny-stage2 tiny-stage3 --out assets/harmony-tiny/training.png
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

from harmony.training.checkpoint import LOG_NAME
from harmony.training.trainer import run_folder
from harmony.visualize.style import new_figure, theme, to_image, write_on

_CURVES = {
    "joint.video": ("picture, joint", "seen", "-"),
    "audio_driven_video.video": ("picture for a given sound", "seen", ":"),
    "joint.audio": ("sound, joint", "heard", "-"),
    "video_driven_audio.audio": ("sound for a given picture", "heard", ":"),
}


def main(
    runs: Annotated[list[str], typer.Argument(help="Names of runs, or their folders, in their order.")],
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("training.png"),
) -> None:
    """Smoothed training losses as lines, held-out losses of the averaged weights as dots."""
    colours = theme("light")
    figure, (axes,) = new_figure("light", width=7.2, height=3.4)
    entries = list(_read(runs))
    for name, (label, colour, dashes) in _CURVES.items():
        line = [(e["samples"], e["losses"][name]) for e in entries if name in e.get("losses", {})]
        dots = [(e["samples"], e["validation"][name]) for e in entries if name in e.get("validation", {})]
        if line:
            axes.plot(*zip(*line, strict=True), dashes, color=getattr(colours, colour), linewidth=1.1, label=label)
        if dots:
            axes.plot(*zip(*dots, strict=True), "o", color=getattr(colours, colour), markersize=3)
    axes.set_yscale("log")
    axes.legend(fontsize=7, frameon=False)
    write_on(axes, "light", title="Training: lines, with noise of all strengths · held out: dots", x="clips seen")
    to_image(figure).quantize(48, dither=Image.Dither.NONE).save(out, optimize=True)  # half the size
    typer.echo(f"{out}: {out.stat().st_size / 1000:.0f} kB")


def _read(runs: list[str]) -> Iterator[dict[str, Any]]:
    """The log's entries, with the clips that all runs before had seen added to each run's own."""
    before = 0
    for run in runs:
        folder = Path(run) if Path(run).is_dir() else run_folder(run)
        entries = [json.loads(line) for line in (folder / LOG_NAME).read_text(encoding="utf-8").splitlines()]
        yield from (entry | {"samples": before + entry["samples"]} for entry in entries)
        before += max(entry["samples"] for entry in entries)


if __name__ == "__main__":
    typer.run(main)
