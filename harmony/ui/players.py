"""Several clips side by side: players that start together, one of them heard. The page's part is ``players.js``."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from harmony import media
from harmony.comparison import Compared, Made

EMPTY = '<p class="hm-players-empty">Your clips appear here, side by side.</p>'


def players_html(compared: Compared, serve: Callable[[Path], str]) -> str:
    """The players of a comparison.

    Args:
        compared: its clips; the one that the film of all lets hear is heard first here too.
        serve: makes a file known to the server and gives the path under which it has it.
    """
    players = "".join(_player(one, serve(one.clip), heard=k == compared.heard) for k, one in enumerate(compared.made))
    name = html.escape(compared.wish.setting.label)
    return (
        f'<section class="hm-players" aria-label="{name}"><div class="hm-players-bar">'
        '<button type="button" data-hm-play>Play all</button><span>One is heard at a time.</span></div>'
        f'<div class="hm-players-grid">{players}</div></section>'
    )


def _player(made: Made, path: str, *, heard: bool) -> str:
    info, label = media.probe(made.clip), html.escape(made.label)
    # Relative, so that it also works where the app is served under a path of its own.
    source = f"gradio_api/file={quote(path)}"
    return (
        f'<figure class="hm-player{" hm-heard" * heard}">'
        f'<video src="{source}" style="aspect-ratio: {info.width} / {info.height}" aria-label="{label}" controls '
        f'playsinline preload="auto"{" muted" * (not heard)}></video>'
        f"<figcaption><b>{label}</b><span>{_verdict(made)}</span>"
        f'<button type="button" data-hm-hear aria-pressed="{str(heard).lower()}" aria-label="Hear {label}">'
        "Hear</button></figcaption></figure>"
    )


def _verdict(made: Made) -> str:
    """What was measured, in three words."""
    if made.together is not None:
        return f"{made.together:.0%} together"
    return made.note if made.sync_c is None else f"Sync-C {made.sync_c:.0f}"
