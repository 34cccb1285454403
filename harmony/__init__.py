"""Harmony: a video and its sound, made together. An independent, open implementation of arXiv 2511.21579."""

from harmony import _compat

_compat.use_torchaudio_without_extension()
_compat.keep_freed_memory()

__version__ = "0.1.0"
