"""Catches what was attended where, for pictures of where a sound comes from."""

from __future__ import annotations

from collections.abc import Sequence


class AttentionRecorder:
    """Keeps attention maps of chosen clips of a batch.

    Args:
        clips: indices into the batch.
    """

    def __init__(self, clips: Sequence[int] = (0,)) -> None:
        self.clips = tuple(clips)
