"""What happens between a press of the button and the files of a clip: turn, progress, cancel, errors, leftovers."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import spaces

from harmony import media
from harmony._compat import give_back_memory
from harmony.comparison import Compared, Comparison, run_comparison
from harmony.memory.card import on_zero_gpu
from harmony.session import Job, JobCancelled, OnStep, Outcome, encode_job, human_sentence, longest_clip, run_job
from harmony.session.preview import PreviewWriter
from harmony.ui.model import ModelHolder
from harmony.ui.zero import TEXT_SECONDS, clip_seconds

if TYPE_CHECKING:
    from harmony.encoding import EncodedCaptions

KEEP_SECONDS = 2 * 3600  # how long a clip's files stay on the server
SWEEP_SECONDS = 600
PREVIEW = "preview.html"
IDLE_SECONDS = 5.0  # after a clip, until memory is given back
REMEMBERED = 32  # clips that are handed out again when the very same request comes back


@dataclass(frozen=True)
class CancelFlag:
    """A file that says stop. A file, because on ZeroGPU the computation runs in another process."""

    path: Path

    def set(self) -> None:
        self.path.touch()

    def __call__(self) -> bool:
        return self.path.exists()


class Studio:
    """Serves the tabs: one model, one folder, one request at a time."""

    def __init__(self, holder: ModelHolder) -> None:
        self.holder = holder
        self.folder = Path(tempfile.mkdtemp(prefix="harmony-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._flags: dict[str, list[CancelFlag]] = {}
        self._flags_lock = threading.Lock()
        self._made: OrderedDict[Job | Comparison, Outcome | Compared] = OrderedDict()
        # On ZeroGPU text is a call of its own: a short one, so that the long one asks for the clip's time alone.
        self._encode = spaces.GPU(duration=TEXT_SECONDS)(self._read)
        self._compute = spaces.GPU(duration=self._gpu_seconds)(self._run)
        self._compute_all = spaces.GPU(duration=self._gpu_seconds_of_all)(self._run_all)

    def make(self, job: Job, request: gr.Request | None, progress: gr.Progress) -> Outcome | None:
        """Run one job, or hand out again what the same job gave before; ``None`` if it was cancelled.

        Raises:
            gr.Error: with one sentence; the next request is served as if nothing had happened.
        """
        return self._once(job, self._compute, request, progress, words=job)

    def compare(self, wish: Comparison, request: gr.Request | None, progress: gr.Progress) -> Compared | None:
        """The same for a comparison: all its clips in one turn, with one cancel for all of them.

        Raises:
            gr.Error: with one sentence, as :meth:`make`.
        """
        return self._once(wish, self._compute_all, request, progress, words=wish.job)

    def _once(
        self,
        wish: Job | Comparison,
        compute: Callable[..., Outcome | Compared | None],
        request: gr.Request | None,
        progress: gr.Progress,
        *,
        words: Job,
    ) -> Outcome | Compared | None:
        """What ``compute`` gives for a wish, or gave before. ``words``: the job whose captions are encoded."""
        self.sweep()
        done = self._made.get(wish)
        if done is not None and done.clip.exists():
            return done
        folder = self.new_folder()
        with self._cancellable(request, folder) as flag, human_errors(), self.holder.lend():
            captions = self._encode(words) if on_zero_gpu() else None
            outcome = compute(wish, folder, flag, progress, captions)
        if outcome is None:
            gr.Info("Cancelled.")
            return None
        self._made[wish] = outcome
        while len(self._made) > REMEMBERED:
            self._made.popitem(last=False)
        return outcome

    def cancel(self, request: gr.Request) -> None:
        """Stop everything that this visitor has running, within one step."""
        with self._flags_lock:
            for flag in self._flags.get(_visitor(request), []):
                flag.set()

    def preview(self, request: gr.Request) -> str:
        """How far this visitor's clip is and what it looks like, as html; empty where nothing is being made."""
        with self._flags_lock:
            flags = list(self._flags.get(_visitor(request), []))
        files = (flag.path.with_name(PREVIEW) for flag in reversed(flags))
        return next((file.read_text(encoding="utf-8") for file in files if file.is_file()), "")

    def new_folder(self) -> Path:
        """An empty folder for files that are swept away after :data:`KEEP_SECONDS`."""
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        return folder

    @property
    def model_id(self) -> str | None:
        """What the open model calls itself in its clips' settings; ``None`` while it is still opened."""
        return self.holder.get().model_id if self.holder.state == "ready" else None

    def lengths(self, path: str) -> tuple[float, float]:
        """Seconds of a file, and seconds that a clip can hold.

        Raises:
            gr.Error: if the file cannot be read.
        """
        with human_errors():
            return media.probe(path).duration, longest_clip(self.holder.get())

    def _read(self, job: Job) -> EncodedCaptions:
        with human_errors():
            return encode_job(self.holder.get(), job)

    def _run(
        self, job: Job, folder: Path, flag: CancelFlag, progress: gr.Progress, captions: EncodedCaptions | None
    ) -> Outcome | None:
        # Errors are turned into sentences here, because ZeroGPU would pass on their class name only.
        clip, on_step = folder / f"harmony-{job.task}-{job.seed}.mp4", _show_steps(progress)
        with human_errors(), suppress(JobCancelled):
            return run_job(
                self.holder.get(), job, clip, on_step=on_step, on_preview=PreviewWriter(folder / PREVIEW), cancel=flag,
                companions=True, captions=captions,
            )  # fmt: skip
        return None

    def _run_all(
        self, wish: Comparison, folder: Path, flag: CancelFlag, progress: gr.Progress, captions: EncodedCaptions | None
    ) -> Compared | None:
        on_step = _show_steps(progress)
        with human_errors(), suppress(JobCancelled):
            return run_comparison(
                self.holder.get(), wish, folder, on_step=on_step, cancel=flag, package=True, captions=captions
            )
        return None

    def _gpu_seconds(self, job: Job, *_: object) -> int:
        """How long ZeroGPU should lend its card; called with the arguments of :meth:`_run`."""
        return clip_seconds(self.holder.get(), job)

    def _gpu_seconds_of_all(self, wish: Comparison, *_: object) -> int:
        """The same for :meth:`_run_all`."""
        return sum(clip_seconds(self.holder.get(), variant.job) for variant in wish.variants)

    @contextmanager
    def _cancellable(self, request: gr.Request | None, folder: Path) -> Iterator[CancelFlag]:
        visitor, flag = _visitor(request), CancelFlag(folder / "cancel")
        with self._flags_lock:
            self._flags.setdefault(visitor, []).append(flag)
        try:
            yield flag
        finally:
            with self._flags_lock:
                self._flags[visitor].remove(flag)
                if not self._flags[visitor]:
                    del self._flags[visitor]
            timer = threading.Timer(IDLE_SECONDS, self._rest)
            timer.daemon = True
            timer.start()

    def _rest(self) -> None:
        """Nothing is being made: memory that was kept for the next clip goes back to the system."""
        with self._flags_lock:
            busy = bool(self._flags)
        if not busy:
            give_back_memory()

    def sweep(self) -> None:
        """Remove what is older than :data:`KEEP_SECONDS`."""
        oldest = time.time() - KEEP_SECONDS
        for folder in self.folder.glob("*"):
            with suppress(FileNotFoundError):  # another request was quicker
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def sweep_on_schedule(self) -> None:
        """Do that from now on again and again, also while nobody makes a clip."""
        self.sweep()
        timer = threading.Timer(SWEEP_SECONDS, self.sweep_on_schedule)
        timer.daemon = True
        timer.start()


@contextmanager
def human_errors() -> Iterator[None]:
    """Whatever goes wrong, the visitor reads one sentence; what nobody foresaw also goes to the server's log."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        sentence = human_sentence(error)
        if sentence is not None:
            raise gr.Error(sentence, print_exception=False) from error
        raise gr.Error("Something went wrong while making the clip. Please try again.") from error


def _show_steps(progress: gr.Progress) -> OnStep:
    """A callback that shows the step and the time left in the page."""
    progress(0.0, desc="Starting")

    def show(step: int, total: int, seconds_left: float) -> None:
        # Gradio itself adds the step and the time so far.
        progress((step, total), desc=f"About {seconds_left:.0f} s left" if seconds_left >= 1 else "Almost done")

    return show


def _visitor(request: gr.Request | None) -> str:
    return (request.session_hash if request else None) or "api"
