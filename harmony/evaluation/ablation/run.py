"""Trains the rows and scores them on the way; whatever is done is kept, and a run that was stopped goes on.

Results are one small JSON file per row and seed, so that a table can be made of what is there, and so that trainings
on several machines can be put together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
SHARES = (1 / 6, 1 / 3, 2 / 3, 1.0)  # of the steps, at which a row is scored


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
        return [max(1, round(self.steps * share)) for share in SHARES]

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
    for steps in plan.milestones:
        if not (exported(row, seed, steps) / MADE).is_file():
            trainer = Trainer(row.config(seed, steps=steps), report=report)
            _export(trainer, plan, exported(row, seed, steps), trainer.train())
            report(f"{row.name} seed {seed}: {steps} steps")


def score_row(plan: Plan, row: Row, seed: int, *, report: Callable[[str], None] = print) -> None:
    """Score what is trained and has no score yet, the last milestone first; every way is kept as soon as it is done."""
    target = plan.result_file(row, seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    entry = _earlier(target, row, seed, plan)
    for steps, way in ways_of(plan, row):
        folder = exported(row, seed, steps)
        if not (folder / MADE).is_file():
            continue
        found = entry["scores"].setdefault(str(steps), json.loads((folder / MADE).read_text()) | {"ways": {}})
        if way.name not in found["ways"]:
            found["ways"][way.name] = _score_way(folder, way, plan)
            target.write_text(json.dumps(entry) + "\n", encoding="utf-8")
            report(f"{row.name} seed {seed}: {steps} steps, {way.label}")


def ways_of(plan: Plan, row: Row) -> list[tuple[int, Way]]:
    """At which milestones clips of a row are made, and how; the finished row with everything also with guidance."""
    ways = [DRIVEN] if row.name == "audio-driven" else [PLAIN, DRIVEN]
    guided = GUIDED if row.passes == 3 else ()
    return [(steps, way) for steps in reversed(plan.milestones) for way in ways] + [(plan.steps, way) for way in guided]


def exported(row: Row, seed: int, steps: int) -> Path:
    """Where the weights of a milestone lie."""
    return run_folder(f"ablation-{row.name}-{seed}") / f"export-{steps}"


def _score_way(folder: Path, way: Way, plan: Plan) -> list[dict]:
    """The score of every clip."""
    pipe = HarmonyPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return score(pipe, Judges.load(JUDGES), way, cases_of(plan.per_kind))


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
