"""How the page's own events are published: hidden from programs, which have the endpoints, and without a spinner."""

from __future__ import annotations

from typing import Any

# Gradio shows a visitor what gr.Error and gr.Info say only where the event went through the queue (6.31).
TELLING: dict[str, Any] = dict(show_progress="hidden", api_visibility="private")
# For what has nothing to say, and need not wait.
SILENT: dict[str, Any] = TELLING | dict(queue=False)
