"""``python -m harmony.evaluation.ablation``: train, score, and make the table of the paper's ablation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harmony.evaluation.ablation.plot import curves_figure
from harmony.evaluation.ablation.rows import MAIN, ROWS
from harmony.evaluation.ablation.run import Plan, fill_data, score_row, train_row
from harmony.evaluation.ablation.table import Results, markdown, summary
from harmony.visualize import to_image

app = typer.Typer(help="The paper's ablation, in the tiny world.", no_args_is_help=True)
RESULTS = Path("benchmarks/results/ablation")
Folder = Annotated[Path, typer.Option(help="Folder of the rows' results.")]


@app.command()
def run(
    rows: Annotated[list[str] | None, typer.Option("--row", help=f"Rows; default: {', '.join(MAIN)}.")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Seeds; default: 0, 1, 2.")] = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps of every row.")] = 3600,
    per_kind: Annotated[int, typer.Option(help="Held-out scenes of each kind.")] = 20,
    clips: Annotated[int, typer.Option(help="Training clips.")] = 8000,
    results: Folder = RESULTS,
    codecs: Annotated[Path | None, typer.Option(help="Folder with video/ and audio/.")] = None,
    train: Annotated[bool, typer.Option(help="Train what is not trained.")] = True,
    judge: Annotated[bool, typer.Option("--score/--no-score", help="Score what is trained.")] = True,
) -> None:
    """Train and score; what is done already is kept, so the same command goes on after a stop.

    Several processes may share the work: give each of them other rows or seeds.
    """
    from harmony.data.home import cache_home

    known = {row.name: row for row in ROWS}
    if unknown := set(rows or ()) - set(known):
        raise typer.BadParameter(f"there is no row '{min(unknown)}'; choose from {', '.join(known)}")
    plan = Plan(steps, per_kind, clips, results, codecs or cache_home() / "codecs")
    if train:
        fill_data(plan, typer.echo)
    for seed in seeds or (0, 1, 2):
        for name in rows or MAIN:
            if train:
                train_row(plan, known[name], seed, report=typer.echo)
            if judge:
                score_row(plan, known[name], seed, report=typer.echo)


@app.command()
def table(
    results: Folder = RESULTS,
    steps: Annotated[int | None, typer.Option(help="Compare rows at this milestone; default: the last one.")] = None,
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = Path("benchmarks/results/ablation.json"),
) -> None:
    """Put all results together, and draw the curves beside them."""
    try:
        summed = summary(Results(results, steps=steps))
    except (FileNotFoundError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(summed, indent=2) + "\n", encoding="utf-8")
    to_image(curves_figure(summed, {row.name: row.label for row in ROWS})).save(out.with_suffix(".png"))
    typer.echo(markdown(summed))


if __name__ == "__main__":
    app()
