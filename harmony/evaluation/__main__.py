"""``harmony evaluate``: measure a model on the frozen requests of the tiny world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer

from harmony.evaluation.report import GROUPS, JUDGES, Evaluation, Judges, run
from harmony.pipeline import HarmonyPipeline


def main(
    model: Annotated[str, typer.Option(help="Checkpoint folder or hub id.")] = "assets/harmony-tiny",
    out: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")] = Path("outputs/harmony-tiny.json"),
    clips: Annotated[Path, typer.Option(help="Where the clips are kept; delete it to make them anew.")] = Path(
        "outputs/evaluation"
    ),
    per_kind: Annotated[int, typer.Option(min=2, help="Requests per kind of scene.")] = 16,
    groups: Annotated[list[str] | None, typer.Option("--group", help=f"Only these: {', '.join(GROUPS)}.")] = None,
    judges: Annotated[Path, typer.Option(help="Folder of the judges' weights.")] = JUDGES,
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves torch's choice.")] = 0,
) -> None:
    """Make clips for frozen held-out requests, save them as mp4, and measure what the files hold."""
    if threads:
        torch.set_num_threads(threads)
    if unknown := set(groups or ()) - set(GROUPS):
        raise typer.BadParameter(f"there is no group '{sorted(unknown)[0]}'; choose from {', '.join(GROUPS)}")
    pipe = HarmonyPipeline.from_pretrained(model, precision=precision)
    evaluation = Evaluation(pipe, Judges.load(judges), clips, per_kind=per_kind)
    for name, figure in run(evaluation, groups=groups or GROUPS, out=out).items():
        typer.echo(f"{name:24} {figure.value:7.3f}   [{figure.low:.3f}, {figure.high:.3f}]   {figure.clips} clips")


if __name__ == "__main__":
    typer.run(main)
