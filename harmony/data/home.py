"""Where things that can be made again are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_home() -> Path:
    """Where caches, runs, trained codecs and the speech bank live: ``$HARMONY_CACHE`` or ``~/.cache/harmony``."""
    return Path(os.environ.get("HARMONY_CACHE") or Path.home() / ".cache" / "harmony")
