"""Trains the rows and scores them on the way; whatever is done is kept, and a run that was stopped goes on.

Results are one small JSON file per row and seed, so that a table can be made of what is there, and so that trainings
on several machines can be put together.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harmony.data.home import cache_home
from harmony.evaluation.ablation.measure import cases_of, score
from harmony.evaluation.ablation.rows import BATCH_SIZE, CACHE, DRIVEN, GUIDED, KINDS, PLAIN, Row, Way
from harmony.evaluation.bench import JUDGES, Judges
from harmony.guidance import GuidanceConfig
from harmony.pipeline import HarmonyPipeline
from harmony.training.commands import open_encoder
from harmony.training.export import export_run
from harmony.training.trainer import Trainer, run_folder

NUM_INFERENCE_STEPS = 10
SAMPLING_SHIFT = 5.0
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


def run_row(plan: Plan, row: Row, seed: int, *, report: Callable[[str], None] = print) -> None:
    """Train one row with one seed as far as it goes, and score it at every milestone that has no score yet."""
    target = plan.result_file(row, seed)
    entry = _earlier(target, row, seed, plan)
    for steps in plan.milestones:
        if str(steps) in entry["scores"]:
            continue
        began = time.monotonic()
        trainer = Trainer(row.config(seed, steps=steps), report=report)
        progress = trainer.train()
        pipe = _pipeline(trainer, plan)
        ways = [DRIVEN] if row.name == "audio-driven" else [PLAIN, DRIVEN]
        if steps == plan.milestones[-1] and row.passes == 3:
            ways += GUIDED
        scores = score_ways(pipe, ways, plan, folder=run_folder(f"ablation-clips/{row.name}-{seed}-{steps}"))
        minutes = dict(training=round(progress.minutes, 2), step=round((time.monotonic() - began) / 60, 2))
        entry["scores"][str(steps)] = {"minutes": minutes, "clips": progress.samples, "ways": scores}
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(entry) + "\n", encoding="utf-8")
        report(f"{row.name} seed {seed}: {steps} steps scored, {minutes['step']} minutes")


def score_ways(pipe: HarmonyPipeline, ways: Sequence[Way], plan: Plan, *, folder: Path) -> dict[str, list[dict]]:
    """Scores of every clip, by way."""
    judges, cases = Judges.load(JUDGES), cases_of(plan.per_kind)
    return {way.name: score(pipe, judges, way, cases, folder=folder / way.name) for way in ways}


def _pipeline(trainer: Trainer, plan: Plan) -> HarmonyPipeline:
    guidance = GuidanceConfig(terms=(), num_inference_steps=NUM_INFERENCE_STEPS, shift=SAMPLING_SHIFT)
    pipe = export_run(trainer.folder, trainer.folder / "export", dtype="fp32", codec_dtype="fp32",
                      codecs=plan.codecs, guidance=guidance)  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _earlier(target: Path, row: Row, seed: int, plan: Plan) -> dict[str, Any]:
    """What was scored before under the same plan."""
    head = {"row": row.name, "seed": seed, "steps": plan.steps, "batch_size": BATCH_SIZE, "passes": row.passes,
            "per_kind": plan.per_kind, "training_clips": plan.clips}  # fmt: skip
    if target.is_file():
        old = json.loads(target.read_text(encoding="utf-8"))
        if all(old.get(key) == value for key, value in head.items()):
            return old
    return head | {"scores": {}}
