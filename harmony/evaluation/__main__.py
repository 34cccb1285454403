"""``harmony evaluate``: measure a model on the frozen requests of the tiny world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer

from harmony.data.world import KINDS
from harmony.evaluation.bench import JUDGES, Bench, Judges
from harmony.evaluation.cases import FACES, IMPACTS
from harmony.evaluation.report import GROUPS, run
from harmony.evaluation.sweep import sweep
from harmony.pipeline import HarmonyPipeline

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

Model = Annotated[str, typer.Option(help="Checkpoint folder, hub id, or [b]micro[/b] (random weights).")]
Clips = Annotated[Path, typer.Option(help="Where clips are kept; those that are there are not made again.")]
PerKind = Annotated[int, typer.Option(min=2, help="Requests per kind of scene.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only these kinds of scenes; give it several times.")]
JudgesFolder = Annotated[Path, typer.Option(help="Folder of the judges' weights.")]
Precision = Annotated[str, typer.Option(help="auto, float32 or bfloat16.")]
Threads = Annotated[int, typer.Option(help="CPU threads; 0 leaves torch's choice.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Clips that go through the model together.")]


@app.callback(
    invoke_without_command=True,
    epilog="[b]Examples[/b]\n\nharmony evaluate --out benchmarks/results/harmony-tiny.json\n\n"
    "harmony evaluate --group joint --group driven --kind drum --kind lamp --per-kind 4\n\n"
    "harmony evaluate sweep --scale 1 --scale 2",
)
def evaluate(
    context: typer.Context,
    model: Model = "assets/harmony-tiny",
    out: Annotated[Path, typer.Option(help="Where the figures go; the contact sheet stands beside it.")] = Path(
        "outputs/harmony-tiny.json"
    ),
    clips: Clips = Path("outputs/evaluation"),
    per_kind: PerKind = 16,
    kinds: Kinds = None,
    groups: Annotated[list[str] | None, typer.Option("--group", help=f"Only these: {', '.join(GROUPS)}.")] = None,
    judges: JudgesFolder = JUDGES,
    precision: Precision = "auto",
    threads: Threads = 0,
    batch_size: BatchSize = 8,
) -> None:
    """Make clips for frozen held-out requests, save them as mp4, and measure what the files hold."""
    if context.invoked_subcommand:
        return
    check_names(groups, GROUPS, "group")
    bench = Bench(
        open_model(model, precision=precision, threads=threads),
        open_judges(judges),
        clips,
        sheet=out.with_name("contact-sheet.png"),
        per_kind=per_kind,
        kinds=chosen_kinds(kinds, IMPACTS + FACES),
        batch_size=batch_size,
        tell=typer.echo,
    )
    for name, figure in run(bench, groups=groups or tuple(GROUPS), out=out).items():
        typer.echo(f"{name:26} {figure}")


@app.command("sweep")
def sweep_command(
    model: Model = "assets/harmony-tiny",
    clips: Clips = Path("outputs/sweep"),
    per_kind: PerKind = 4,
    kinds: Kinds = None,
    scales: Annotated[list[float] | None, typer.Option("--scale", min=0.0, help="SyncCFG scales to try.")] = None,
    text_scale: Annotated[float, typer.Option(min=0.0, help="Text guidance beside it; 1 is none.")] = 1.0,
    judges: JudgesFolder = JUDGES,
    precision: Precision = "auto",
    threads: Threads = 0,
    batch_size: BatchSize = 8,
) -> None:
    """Try SyncCFG scales on the validation split, for choosing a checkpoint's defaults; never on the test split."""
    bench = Bench(
        open_model(model, precision=precision, threads=threads),
        open_judges(judges),
        clips,
        per_kind=per_kind,
        kinds=chosen_kinds(kinds, IMPACTS),
        batch_size=batch_size,
        tell=lambda line: None,
    )
    typer.echo(
        f"{'SyncCFG scale':>13}  {'joint F1':>22}  {'events ratio':>12}  {'right scene':>11}  {'overexposed':>11}"
    )
    for row in sweep(bench, scales or (1.0, 1.5, 2.0, 3.0), text_scale=text_scale):
        told = f"{row.events_ratio:12.2f}  {row.scene_accuracy:11.0%}  {row.overexposed:11.1%}"
        typer.echo(f"{row.scale:13.2f}  {row.joint_f1!s:>22}  {told}")


def open_model(model: str, *, precision: str, threads: int) -> HarmonyPipeline:
    if threads:
        torch.set_num_threads(threads)
    pipe = HarmonyPipeline.micro() if model == "micro" else HarmonyPipeline.from_pretrained(model, precision=precision)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def open_judges(folder: Path) -> Judges:
    try:
        return Judges.load(folder)
    except FileNotFoundError as missing:
        raise typer.BadParameter(str(missing)) from missing


def chosen_kinds(kinds: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    check_names(kinds, KINDS, "kind")
    return tuple(kinds or default)


def check_names(names: list[str] | None, known, what: str) -> None:
    if unknown := set(names or ()) - set(known):
        raise typer.BadParameter(f"there is no {what} '{sorted(unknown)[0]}'; choose from {', '.join(known)}")


if __name__ == "__main__":
    app()
