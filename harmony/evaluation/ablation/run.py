"""Trains the rows and scores them on the way; whatever is done is kept, and a run that was stopped goes on.

Results are one small JSON file per row and seed, so that a table can be made of what is there, and so that trainings
on several machines can be put together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from harmony.data.home import cache_home
from harmony.evaluation.ablation.measure import cases_of, score
from harmony.evaluation.ablation.rows import BATCH_SIZE, CACHE, DRIVEN, GUIDED, KINDS, PLAIN, Row, Way
from harmony.evaluation.bench import JUDGES, Judges
from harmony.guidance import GuidanceConfig
from harmony.pipeline import HarmonyPipeline
from harmony.training.checkpoint import Progress
from harmony.training.commands import open_encoder
from harmony.training.export import export_run
from harmony.training.trainer import Trainer, run_folder

NUM_INFERENCE_STEPS = 10
SAMPLING_SHIFT = 5.0
MADE = "made.json"
MILESTONES = (200, 400, 600, 1200, 1800, 3600)  # with a third of each of the later ones, for equal passes


@dataclass(frozen=True)
class Plan:
    """What one run of the ablation does.

    Attributes:
        steps: optimizer steps of every row.
        per_kind: held-out scenes of each kind.
        clips: training clips.
        results: folder of the JSON files.
        codecs: folder with ``video`` and ``audio``.
    """

    steps: int
    per_kind: int
    clips: int
    results: Path
    codecs: Path

    @property
    def milestones(self) -> list[int]:
        """Steps at which a row is scored."""
        return [*(stop for stop in MILESTONES if stop < self.steps), self.steps]

    def result_file(self, row: Row, seed: int) -> Path:
        return self.results / f"{row.name}-{seed}.json"


def fill_data(plan: Plan, report: Callable[[str], None]) -> None:
    """Draw the training clips, once."""
    from harmony.data.cache import LatentCache
    from harmony.data.fill import fill_cache

    folder = cache_home() / "latents" / CACHE
    if (folder / "cache.json").is_file() and len(LatentCache(folder)) >= plan.clips:
        return
    encoder = open_encoder(plan.codecs, frames=33, size=64, reference_seconds=2.0)
    fill_cache(folder, encoder, range(plan.clips), split="train", kinds=list(KINDS), shard_size=250, report=report)


def train_row(plan: Plan, row: Row, seed: int, *, report: Callable[[str], None] = print) -> None:
    """Train one row with one seed, and keep the averaged weights of every milestone."""
    missing = [steps for steps in plan.milestones if not (exported(row, seed, steps) / MADE).is_file()]
    trainer = Trainer(row.config(seed, steps=plan.steps), report=report) if missing else None
    for steps in missing:
        trainer.config = row.config(seed, steps=steps)  # the same training, with an earlier end
        _export(trainer, plan, exported(row, seed, steps), trainer.train())
        report(f"{row.name} seed {seed}: {steps} steps")


def score_row(plan: Plan, row: Row, seed: int, *, report: Callable[[str], None] = print) -> None:
    """Score what is trained and has no score yet, the last milestone first; every way is kept as soon as it is done."""
    target = plan.result_file(row, seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    entry = _earlier(target, row, seed, plan)
    trained = [steps for steps in plan.milestones if (exported(row, seed, steps) / MADE).is_file()]
    for steps, way in ways_of(row, trained):
        folder = exported(row, seed, steps)
        found = entry["scores"].setdefault(str(steps), json.loads((folder / MADE).read_text()) | {"ways": {}})
        if way.name not in found["ways"]:
            found["ways"][way.name] = _score_way(folder, way, plan)
            target.write_text(json.dumps(entry) + "\n", encoding="utf-8")
            report(f"{row.name} seed {seed}: {steps} steps, {way.label}")


def ways_of(row: Row, trained: Sequence[int]) -> list[tuple[int, Way]]:
    """At which milestones clips of a row are made, and how; the last one of a row with everything in it is also made
    with guidance."""
    ways = [DRIVEN] if row.name == "audio-driven" else [PLAIN, DRIVEN]
    guided = GUIDED if row.has_everything else ()
    last = trained[-1:]
    return [(s, way) for s in last for way in (*ways, *guided)] + [(s, w) for s in reversed(trained[:-1]) for w in ways]


def exported(row: Row, seed: int, steps: int) -> Path:
    """Where the weights of a milestone lie."""
    return run_folder(f"ablation-{row.name}-{seed}") / f"export-{steps}"


def _score_way(folder: Path, way: Way, plan: Plan) -> list[dict]:
    """The score of every clip."""
    pipe, judges = _opened(folder)
    return score(pipe, judges, way, cases_of(plan.per_kind))


@lru_cache(maxsize=1)
def _opened(folder: Path) -> tuple[HarmonyPipeline, Judges]:
    """A milestone and its judges; the ways of a milestone come one after the other."""
    pipe = HarmonyPipeline.from_pretrained(folder)
    pipe.to("cuda" if torch.cuda.is_available() else "cpu")
    pipe.set_progress_bar_config(disable=True)
    return pipe, Judges.load(JUDGES)


def _export(trainer: Trainer, plan: Plan, folder: Path, progress: Progress) -> None:
    """Write a milestone's weights, and last of all what they took."""
    guidance = GuidanceConfig(terms=(), num_inference_steps=NUM_INFERENCE_STEPS, shift=SAMPLING_SHIFT)
    export_run(trainer.folder, folder, dtype="fp32", codec_dtype="fp32", codecs=plan.codecs, guidance=guidance)
    took = {"minutes": round(progress.minutes, 2), "clips": progress.samples}
    (folder / MADE).write_text(json.dumps(took), encoding="utf-8")


def _earlier(target: Path, row: Row, seed: int, plan: Plan) -> dict[str, Any]:
    """What was scored before under the same plan."""
    head = {"row": row.name, "seed": seed, "steps": plan.steps, "batch_size": BATCH_SIZE, "passes": row.passes,
            "per_kind": plan.per_kind, "training_clips": plan.clips}  # fmt: skip
    if target.is_file():
        old = json.loads(target.read_text(encoding="utf-8"))
        if all(old.get(key) == value for key, value in head.items()):
            return old
    return head | {"scores": {}}
