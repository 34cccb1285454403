"""``harmony compare``: a comparison in a folder, and its table on the screen."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from harmony.comparison.axis import AXES
from harmony.comparison.plan import Comparison
from harmony.comparison.result import HEADERS, Compared
from harmony.comparison.run import run_comparison
from harmony.session import Job, chosen_model, load_pipeline
from harmony.terminal import default_output, out, waiting, watch_steps


def compare_clips(
    job: Job, *, axis: str, values: str | None, model: str | None, opening: dict[str, str], folder: Path | None
) -> None:
    """Open the model, make all variants under a progress bar, and show what was measured.

    Args:
        job: what the variants have in common.
        axis, values: of :meth:`~harmony.comparison.Comparison.of`; without values the suggested ones.
        model, opening: of :func:`~harmony.session.load_pipeline`.
        folder: where it all goes; by default named after the prompt.

    Raises:
        ValueError: one sentence about what does not fit.
    """
    suggested = AXES[axis].suggested if axis in AXES else ""
    wish = Comparison.of(job, axis=axis, values=suggested if values is None else values)
    folder = _free_folder(f"{job.prompt} {axis}") if folder is None else folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"'{folder}' is there and not an empty folder; choose another with -o")
    with waiting("Opening the model"):
        pipe = load_pipeline(chosen_model(model), **opening)
    with watch_steps() as on_step:
        compared = run_comparison(pipe, wish, folder, on_step=on_step)
    _show(compared, folder)


def _free_folder(name: str) -> Path:
    """A folder in this one that is not there yet, named after the words."""
    first = default_output(name).with_suffix("")
    path, number = first, 2
    while path.exists():
        path, number = first.with_name(f"{first.name}-{number}"), number + 1
    return path


def _show(compared: Compared, folder: Path) -> None:
    """The table, where everything is, and what was used."""
    table = Table(*HEADERS, box=None, header_style="bold", pad_edge=False)
    for row in compared.rows():
        table.add_row(*map(escape, row))
    out.print(table)
    for file, words in (
        (folder, "clips, sounds, settings"),
        (compared.clip, f"all in one film; you hear {compared.heard_label}"),
        (compared.plot, "the table, drawn"),
        (compared.table, "the table, for programs"),
    ):
        out.print(f"[green]✓[/green] {escape(str(file))}  [dim]{escape(words)}[/dim]")
    for fact in compared.facts:
        out.print(f"  {escape(fact)}", style="dim")
