"""The one error of this package."""

from __future__ import annotations


class MediaError(ValueError):
    """A file cannot be read or written as asked. The message is one sentence: what is wrong and what to do."""
