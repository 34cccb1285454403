"""Harmony: a video and its sound, made together. An independent, open implementation of arXiv 2511.21579."""

from harmony import _compat
from harmony._version import __version__

_compat.use_torchaudio_without_extension()
_compat.keep_freed_memory()

__all__ = ["__version__"]
