"""Runs Harmony-Bench: makes each clip once, judges it, and keeps both, so that a run that was killed just goes on.

Every clip is a file, and so is what was measured on it. Several processes (``accelerate launch``) share the cases; each
writes the files of its own, and the first one puts the table together.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState

from harmony import media
from harmony.evaluation.clips import SAMPLE_RATE, as_judged
from harmony.evaluation.harmony_bench.cases import BenchCase
from harmony.evaluation.harmony_bench.clips import BOUNDS, ClipMaker
from harmony.evaluation.harmony_bench.inside import embeddings, in_world
from harmony.evaluation.harmony_bench.measures import fingerprint, measure_clip
from harmony.evaluation.harmony_bench.meters import Taken, Tools
from harmony.media.files import replacing
from harmony.pipeline import HarmonyPipeline
from harmony.timeline import Timeline

Record = dict[str, Any]  # of one clip: "id", "subset", "parts", "missing", "embeddings"


@dataclass
class BenchRun:
    """One model on the cases.

    Args:
        pipe: the model.
        fingerprint: of its weights and guidance: clips of another model must not pass for its own.
        edition: all cases there are; cases: those that are run.
        folder: where clips and measurements are kept.
        tools: what measures.
        batch_size: clips that go through the model together.
        tell: gets a line now and then.
    """

    pipe: HarmonyPipeline
    fingerprint: str
    edition: Sequence[BenchCase]
    cases: Sequence[BenchCase]
    folder: Path
    tools: Tools = field(default_factory=Tools)
    batch_size: int = 8
    tell: Callable[[str], None] = print

    def run(self, sets: Sequence[str]) -> None:
        """Make and judge what is missing of the named sets."""
        state = processes()
        for name in sets:
            with state.split_between_processes(list(self.cases)) as mine:
                self._run_set(name, mine)
        state.wait_for_everyone()

    def records(self, name: str) -> list[Record]:
        """What was measured on every clip of a set."""
        return [json.loads(self.record_of(name, case).read_text(encoding="utf-8")) for case in self.cases]

    def clip_of(self, name: str, case: BenchCase) -> Path:
        """Its mp4."""
        return self.folder / self.fingerprint / name / f"{case.id}-{case_hash(case)}.mp4"

    def record_of(self, name: str, case: BenchCase) -> Path:
        """What was measured on it."""
        return self.clip_of(name, case).with_suffix(".json")

    @cached_property
    def measured_by(self) -> str:
        """A short hash of the judges and of what they measure."""
        return fingerprint(self.tools)

    @cached_property
    def timeline(self) -> Timeline:
        """The clips' clock: as long as the edition's scenes, so that models of any length are judged on the same
        cases; outside the tiny world as long as the model likes."""
        scene, own = self.edition[0].world, self.pipe.timeline
        return own if scene is None else own.with_seconds(scene.duration)

    @cached_property
    def _maker(self) -> ClipMaker:
        return ClipMaker(self.pipe, self.edition, timeline=self.timeline, batch_size=self.batch_size)

    def _run_set(self, name: str, cases: Sequence[BenchCase]) -> None:
        open_cases = [case for case in cases if not self._is_done(name, case)]
        start = time.monotonic()
        for done, batch in self._batches(name, open_cases):
            missing = [case for case in batch if not self.clip_of(name, case).is_file()]
            if missing:
                self._maker.make(name, missing, lambda case: self.clip_of(name, case))
            for case in batch:
                self._judge(name, case)
            done += len(batch)
            left = (time.monotonic() - start) / done * (len(open_cases) - done)
            self.tell(f"{name}: {done} of {len(open_cases)} clips, about {left / 60:.1f} min left")

    def _batches(self, name: str, cases: Sequence[BenchCase]) -> Iterator[tuple[int, Sequence[BenchCase]]]:
        size = 25 if name in BOUNDS else self.batch_size  # bounds are made one by one: fewer lines to read
        for start in range(0, len(cases), size):
            yield start, cases[start : start + size]

    def _is_done(self, name: str, case: BenchCase) -> bool:
        record = self.record_of(name, case)
        if not (record.is_file() and self.clip_of(name, case).is_file()):
            return False
        return json.loads(record.read_text(encoding="utf-8"))["measured_by"] == self.measured_by

    def _judge(self, name: str, case: BenchCase) -> None:
        clip = self._read(name, case)
        parts, missing = ({}, {}) if name == "others" else measure_clip(self.tools, clip)
        record: Record = {
            "id": case.id,
            "subset": case.subset,
            "measured_by": self.measured_by,
            "parts": parts,
            "missing": missing,
            "embeddings": embeddings(self.tools, clip) if in_world(case) else {},
        }
        with replacing(self.record_of(name, case)) as unfinished:
            unfinished.write_text(json.dumps(record), encoding="utf-8")

    def _read(self, name: str, case: BenchCase) -> Taken:
        path = self.clip_of(name, case)
        frames, _ = media.read_video(path)
        frames = as_judged(frames) if in_world(case) else frames
        waveform, _ = media.read_audio(path, sample_rate=SAMPLE_RATE)
        return Taken(case, frames, waveform, self.timeline)


def processes() -> PartialState:
    """The processes that share the cases: those of ``accelerate launch`` or ``torchrun``, or this one alone."""
    return PartialState(cpu=not torch.cuda.is_available())  # without the hint it takes CPU processes for lone ones


def case_hash(case: BenchCase) -> str:
    """Of all that the case asks for and, in the tiny world, of the scene itself, which changes with the world."""
    return hashlib.sha256(f"{case.model_dump_json()} {case.world!r}".encode()).hexdigest()[:8]
