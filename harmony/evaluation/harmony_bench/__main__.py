"""``harmony bench``: run Harmony-Bench on a model, and write its figures and its report."""

from __future__ import annotations

import json
import platform
import shlex
from pathlib import Path
from typing import Annotated

import torch
import typer

from harmony.evaluation.bench import JUDGES, model_fingerprint
from harmony.evaluation.harmony_bench.cases import BenchCase, check_voices, chosen, edition_file, read_cases
from harmony.evaluation.harmony_bench.clips import BOUNDS, check_set
from harmony.evaluation.harmony_bench.meters import Tools
from harmony.evaluation.harmony_bench.page import write_page
from harmony.evaluation.harmony_bench.plots import trade
from harmony.evaluation.harmony_bench.run import BenchRun, processes
from harmony.evaluation.harmony_bench.table import table
from harmony.evaluation.harmony_bench.tiny import tiny_cases
from harmony.evaluation.report import versions
from harmony.session import load_pipeline
from harmony.visualize import to_image

app = typer.Typer(add_completion=False, rich_markup_mode="rich")
PACKAGES = (
    "torch",
    "diffusers",
    "numpy",
    "pocketsphinx",
    "resemblyzer",
    "speechmos",
    "librosa",
    "opencv-python-headless",
)
TINY_SETS = ("model", "plain", *BOUNDS)
FULL_SETS = ("model", "plain")


@app.command(
    epilog="[b]Examples[/b]\n\nharmony bench --edition tiny --cases 12\n\n"
    "harmony bench --split val --set sync-1 --set sync-2 --set sync-3 --set others\n\n"
    "torchrun --nproc_per_node 4 -m harmony.evaluation.harmony_bench --edition full --model ovi-converted"
)
def bench(
    edition: Annotated[str, typer.Option(help="[b]tiny[/b], [b]full[/b], or a file of your own cases.")] = "tiny",
    cases: Annotated[int | None, typer.Option(min=1, help="Only so many, evenly from all subsets.")] = None,
    model: Annotated[
        str, typer.Option(help="A folder, a hub id, or [b]micro[/b] (random weights).")
    ] = "assets/harmony-tiny",
    out: Annotated[Path, typer.Option(help="Folder of the figures, the report and the clips.")] = Path(
        "outputs/harmony-bench"
    ),
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help=f"Which clips: model, plain, {', '.join(BOUNDS)}, or sync-2 for SyncCFG at scale 2."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="[b]val[/b] takes other scenes for tiny, to choose settings on.")] = "test",
    shown: Annotated[int, typer.Option(min=0, help="How many cases the report shows with their clips.")] = 12,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips that go through the model together.")] = 8,
    judges: Annotated[Path, typer.Option(help="Folder of the judges' weights.")] = JUDGES,
    quantize: Annotated[str, typer.Option(help="auto, none, int8 or nf4.")] = "auto",
    offload: Annotated[str, typer.Option(help="auto, none, model, group or sequential.")] = "auto",
) -> None:
    """Make and judge the clips of Harmony-Bench. A run that was stopped goes on where it was."""
    try:
        every = edition_cases(edition, split)
        some = chosen(every, cases)
        check_voices(some)
        wanted = sets or (TINY_SETS if all(case.scene for case in every) else FULL_SETS)
        for name in wanted:
            check_set(name)
        if set(wanted) & set(BOUNDS) and not all(case.scene for case in every):
            raise ValueError(f"true clips are known in the tiny world only; edition '{edition}' has none")
    except (FileNotFoundError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    state = processes()
    pipe = load_pipeline(model, quantize=quantize, offload=offload)
    pipe.set_progress_bar_config(disable=True)
    run = BenchRun(
        pipe, model_fingerprint(pipe), every, some, out / "clips", Tools(judges),
        batch_size=batch_size, tell=typer.echo,
    )  # fmt: skip
    run.run(wanted)
    if not state.is_main_process:
        return
    records = {name: run.records(name) for name in wanted}
    options = {"--edition": edition, "--split": split, "--cases": cases, "--model": model, "--batch-size": batch_size}
    result = {
        "edition": edition,
        "model": pipe.model_id,
        "command": _command(options, wanted),
        "cases": len(run.cases),
        "weights_and_guidance": run.fingerprint,
        "judges": run.tools.fingerprint,
        "precision": pipe.precision,
        "seconds": run.timeline.duration,
        "guidance": json.loads(pipe.guidance.to_json()),
        "seeds": "each case's own, see the edition's file",
        "versions": versions(PACKAGES) | {"python": platform.python_version()},
        "threads": torch.get_num_threads(),
    } | table(records)
    figures = out / "harmony-bench.json"
    figures.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page = write_page(out / "report.html", result, run, records, clips=shown)
    for _, drawn in trade(result):
        to_image(drawn).save(out / "scales.png")
    typer.echo(f"{figures}\n{page}")


def edition_cases(edition: str, split: str) -> list[BenchCase]:
    """The cases of an edition or a file, or the tiny edition's rule on the validation split."""
    if split not in ("test", "val"):
        raise ValueError(f"there is no split '{split}'; choose test or val")
    if split == "val":
        if edition != "tiny":
            raise ValueError("only the edition tiny has a split to choose settings on")
        return tiny_cases(split="val")
    return read_cases(edition_file(edition) if edition in ("tiny", "full") else Path(edition))


def _command(options: dict, sets) -> str:
    told = [part for name, value in options.items() if value is not None for part in (name, str(value))]
    return shlex.join(["harmony", "bench", *told, *(part for name in sets for part in ("--set", name))])


if __name__ == "__main__":
    app()
