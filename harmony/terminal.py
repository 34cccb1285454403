"""How the command line speaks: a bar while it works, a line when it is done, one sentence when it cannot."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harmony.session import Outcome, human_sentence

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

NAME_LENGTH = 48


def default_output(name: str) -> Path:
    """A free file name in this folder, made from words: ``a-red-drum.mp4``, then ``a-red-drum-2.mp4``."""
    slug = re.sub(r"[^\w]+", "-", name.lower()).strip("-")[:NAME_LENGTH].rstrip("-") or "clip"
    path, number = Path(f"{slug}.mp4"), 2
    while path.exists():
        path, number = Path(f"{slug}-{number}.mp4"), number + 1
    return path


def new_seed() -> int:
    return random.randrange(2**31)


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """A spinner, for work without steps."""
    with err.status(f"{words} …"):
        yield


@contextmanager
def watch_steps() -> Iterator[Callable[[int, int, float], None]]:
    """A progress bar; gives the callback that moves it."""
    columns = TextColumn("Making the clip"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda step, total, seconds_left: bar.update(task, completed=step, total=total)


def report(outcome: Outcome) -> None:
    """Where the clip is, and what was used."""
    out.print(f"[green]✓[/green] {escape(str(outcome.clip))}")
    for extra in filter(None, (outcome.attention_clip, outcome.attention_picture)):
        out.print(f"[green]✓[/green] {escape(str(extra))}")
    for fact in outcome.facts:
        out.print(f"  {escape(fact)}", style="dim")


@contextmanager
def plain_errors(debug: bool) -> Iterator[None]:
    """One sentence and exit code 2 for what a person can mend, exit code 1 for what nobody foresaw.

    Args:
        debug: let the traceback through.
    """
    try:
        yield
    except (typer.Exit, KeyboardInterrupt):
        raise
    except Exception as error:
        if debug:
            raise
        sentence = human_sentence(error)
        words = sentence or f"{type(error).__name__}: {error} (run again with --debug to see where)"
        err.print(f"[red]Error:[/red] {escape(words)}")
        raise typer.Exit(2 if sentence else 1) from error
