"""The ablation: rows that differ in one thing, scores that are kept, and a table whose numbers are known."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from harmony.evaluation.ablation.measure import ClipScore
from harmony.evaluation.ablation.rows import GUIDED, MAIN, PLAIN, ROWS
from harmony.evaluation.ablation.run import Plan, _earlier, ways_of
from harmony.evaluation.ablation.table import MEASURES, Results, estimate, markdown, summary
from harmony.models.transformer import HarmonyTransformer

ROW = {row.name: row for row in ROWS}
F1, LIPS = (next(m for m in MEASURES if m.name == name) for name in ("event_f1", "lip_correlation"))


def test_rows_differ_in_what_they_are_named_for() -> None:
    configs = {row.name: row.config(0, steps=10) for row in ROWS}
    shapes = {name: config.model.harmony_config() for name, config in configs.items()}
    base = shapes["aligned"]
    assert (base.interaction_window, base.rope_alignment, base.style) == (1.0, "seconds", True)
    assert shapes["global"].interaction_window is None and shapes["global"].rope_alignment == "native"
    assert {n for n, shape in shapes.items() if not shape.style} == {"global", "no-style"}
    assert configs["synergy"].tasks.cross_task == "literal" and configs["aligned"].tasks.cross_task == "joint"
    same = {(c.seed, c.run.batch_size, c.optimizer.lr, c.data.caches, c.loss.shift) for c in configs.values()}
    assert len(same) == 1 and set(MAIN) <= set(configs)
    assert configs["gldi"].name != ROW["gldi"].config(1, steps=10).name


def test_the_frozen_model_is_small_and_alike_but_for_the_style_path() -> None:
    sizes = {
        name: sum(p.numel() for p in HarmonyTransformer.from_harmony_config(shape).parameters())
        for name, shape in ((row.name, row.config(0, steps=1).model.harmony_config()) for row in ROWS)
    }
    assert max(sizes.values()) < 6e6
    assert sizes["global"] == sizes["no-style"] < sizes["gldi"] == sizes["aligned"] == sizes["synergy"]


def test_scales_of_compared_guidance_are_the_same() -> None:
    scales = {}
    for way in GUIDED:
        scales.setdefault(way.terms[0].kind, []).append(way.terms[0].video_scale)
    assert set(scales) == {"sync", "text", "isolated"} and len({tuple(s) for s in scales.values()}) == 1


def clips(*hits: int) -> list[dict]:
    return [
        asdict(ClipScore("drum", hits=hit, found=2, true=2, contrast=0.1, sync_c=float(hit), sync_d=1.0))
        for hit in hits
    ] + [asdict(ClipScore("face", correlation=0.5, lag=0, sync_c=0.5, sync_d=1.0))]


def test_estimates_are_means_over_seeds_and_differences_are_paired() -> None:
    found = estimate([clips(2, 0), clips(2, 2)], F1)
    assert found.value == pytest.approx((0.5 + 1.0) / 2) and found.low <= found.value <= found.high
    gain = estimate([clips(2, 2), clips(2, 2)], F1, minus=[clips(1, 1), clips(1, 1)])
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.5, 0.5, 0.5))
    assert estimate([clips(0)], LIPS).value == pytest.approx(0.5)


def entry(row: str, seed: int, plan: Plan, scores: dict) -> dict:
    return _earlier(plan.results / "none", ROW[row], seed, plan) | {"scores": scores}


def test_a_table_tells_equal_steps_and_equal_passes(tmp_path) -> None:
    plan = Plan(600, 2, 100, tmp_path, tmp_path)
    assert plan.milestones == [200, 400, 600] and Plan(500, 2, 100, tmp_path, tmp_path).milestones[-1] == 500
    ways = {"plain": clips(2, 2), "sync-2": clips(2, 2), "driven": clips(2, 2)}
    early = {"plain": clips(0, 2)}
    for seed in (0, 1):
        scores = {"200": {"ways": ways}}
        plan.result_file(ROW["synergy"], seed).write_text(json.dumps(entry("synergy", seed, plan, scores)))
        scores = {"200": {"ways": {"plain": clips(1, 1)}}, "600": {"ways": early}}
        plan.result_file(ROW["global"], seed).write_text(json.dumps(entry("global", seed, plan, scores)))
    summed = summary(Results(tmp_path))
    synergy, baseline = summed["rows"]["synergy"], summed["rows"]["global"]
    assert synergy["equal_steps"]["plain"]["event_f1"]["value"] == 1.0 and "equal_passes" not in synergy
    assert baseline["equal_steps"]["plain"]["event_f1"]["value"] == 0.5 and baseline["equal_steps"]["steps"] == 200
    assert baseline["equal_passes"]["steps"] == 600 and baseline["equal_passes"]["plain"]["sync_c"]["value"] < 1.0
    assert baseline["equal_steps"]["seeds"] == 2 and "gldi" not in summed["rows"]
    assert summed["guidance"]["synergy/sync-2"]["gain"]["event_f1"]["value"] == 0.0
    assert "| SyncCFG, scale 2 | synergy, 200 steps | 1.50" in markdown(summed)


def test_rows_that_share_no_step_cannot_be_compared(tmp_path) -> None:
    plan = Plan(600, 2, 100, tmp_path, tmp_path)
    for name, steps in (("global", "200"), ("gldi", "400")):
        scores = {steps: {"ways": {"plain": clips(1, 1)}}}
        plan.result_file(ROW[name], 0).write_text(json.dumps(entry(name, 0, plan, scores)))
    with pytest.raises(ValueError, match="no step at which all rows"):
        summary(Results(tmp_path))


def test_only_the_last_milestone_of_a_row_with_everything_is_guided() -> None:
    ways = ways_of(ROW["synergy"], [200, 400])
    assert {steps for steps, way in ways if way in GUIDED} == {400} and (200, PLAIN) in ways
    assert not any(way in GUIDED for _, way in ways_of(ROW["gldi"], [200, 400]))
    assert [way.name for _, way in ways_of(ROW["audio-driven"], [200])] == ["driven"]


def test_scores_of_another_plan_are_not_taken_for_this_one(tmp_path) -> None:
    plan = Plan(600, 2, 100, tmp_path, tmp_path)
    file = plan.result_file(ROW["gldi"], 0)
    file.write_text(json.dumps(entry("gldi", 0, plan, {"100": {}})))
    assert "100" in _earlier(file, ROW["gldi"], 0, plan)["scores"]
    assert not _earlier(file, ROW["gldi"], 0, Plan(900, 2, 100, tmp_path, tmp_path))["scores"]


def test_a_folder_without_results_says_so(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="no ablation results"):
        Results(tmp_path)
