"""The one model that a process keeps: loaded once in the background, lent to one request at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harmony.memory.card import on_zero_gpu
from harmony.session import load_pipeline

log = logging.getLogger(__name__)


class ModelHolder:
    """Loads a model once and lends it out.

    Args:
        model: a folder, a hub id, or ``micro``.
        load: what opens it.
    """

    def __init__(self, model: str, *, load: Callable[[str], object] = load_pipeline) -> None:
        self.model = model
        self._load = load
        self._pipe: object | None = None
        self._error: Exception | None = None
        self._loaded = threading.Event()
        self._started = threading.Lock()
        self._in_use = threading.Lock()

    def start(self) -> None:
        """Begin to load, unless that has begun; returns at once.

        On ZeroGPU the weights must be placed before the first GPU call, so there it loads before it returns.
        """
        if not self._started.acquire(blocking=False):
            return
        if on_zero_gpu():
            self._open()
        else:
            threading.Thread(target=self._open, name="harmony-load", daemon=True).start()

    @property
    def state(self) -> str:
        """``loading``, ``ready`` or ``failed``."""
        if not self._loaded.is_set():
            return "loading"
        return "failed" if self._error else "ready"

    def get(self, timeout: float | None = None) -> object:
        """The pipeline, once it is there.

        Raises:
            TimeoutError: it is not there after ``timeout`` seconds.
            ValueError: it could not be opened; the sentence says why.
        """
        self.start()
        if not self._loaded.wait(timeout):
            raise TimeoutError(f"the model {self.model} is still loading")
        if self._error is not None:
            raise ValueError(f"The model {self.model} could not be opened: {self._error}") from self._error
        return self._pipe

    @contextmanager
    def lend(self) -> Iterator[object]:
        """The pipeline for one request; the next one waits its turn."""
        pipe = self.get()
        with self._in_use:
            yield pipe

    def _open(self) -> None:
        try:
            self._pipe = self._load(self.model)
        except Exception as error:  # whatever it was, the page must say it instead of waiting for ever
            log.exception("could not open the model %s", self.model)
            self._error = error
        finally:
            self._loaded.set()
