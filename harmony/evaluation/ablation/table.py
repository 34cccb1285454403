"""From scores to a table: means over seeds with intervals over clips and seeds, at equal steps and at equal passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harmony.evaluation.ablation.rows import GUIDED, IMPACTS, PLAIN, ROWS, Row
from harmony.evaluation.figures import Figure, matched_gain

SAMPLES = 1000
# Rows of the paper's table, each with the one that it adds to.
LADDER = (
    ("gldi", "global"), ("aligned", "gldi"), ("synergy", "aligned"), ("synergy-sampled", "aligned"),
    ("no-style", "gldi"), ("audio-driven", "aligned"),
)  # fmt: skip
CURVES = ("sync_c", "event_f1", "lip_correlation")  # what is drawn over the steps of training
Clips = list[list[dict[str, Any]]]  # scores by seed and case


@dataclass(frozen=True)
class Measure:
    """A number of a set of clips: ``of`` gets the chosen clips' scores."""

    name: str
    label: str
    of: Callable[[Sequence[dict[str, Any]]], float]


def event_f1(clips: Sequence[dict[str, Any]]) -> float:
    """F1 pooled within each kind, a mean over kinds."""
    found = []
    for kind in IMPACTS:
        own = [clip for clip in clips if clip["kind"] == kind]
        total = sum(clip["found"] + clip["true"] for clip in own)
        if total:
            found.append(2 * sum(clip["hits"] for clip in own) / total)
    return float(np.mean(found)) if found else float("nan")


def lip_correlation(clips: Sequence[dict[str, Any]]) -> float:
    """Mean correlation of mouth and voice over faces."""
    found = [clip["correlation"] for clip in clips if clip["correlation"] is not None]
    return float(np.mean(found)) if found else float("nan")


def contrast(clips: Sequence[dict[str, Any]]) -> float:
    """Mean event contrast: how easy events are to see."""
    found = [clip["contrast"] for clip in clips if clip["contrast"] is not None]
    return float(np.mean(found)) if found else float("nan")


def sync_confidence(clips: Sequence[dict[str, Any]]) -> float:
    """Mean Sync-C of our own SyncNet, events and faces alike."""
    return float(np.mean([clip["sync_c"] for clip in clips]))


def sync_distance(clips: Sequence[dict[str, Any]]) -> float:
    """Mean Sync-D of our own SyncNet."""
    return float(np.mean([clip["sync_d"] for clip in clips]))


MEASURES = (
    Measure("sync_c", "Sync-C", sync_confidence),
    Measure("sync_d", "Sync-D", sync_distance),
    Measure("event_f1", "event F1", event_f1),
    Measure("lip_correlation", "mouth and voice", lip_correlation),
    Measure("event_contrast", "event contrast", contrast),
)


def estimate(clips: Clips, measure: Measure, *, minus: Clips | None = None) -> Figure:
    """The mean over seeds, and its 95 % interval when seeds and cases are both drawn with replacement.

    Args:
        clips: the same cases under every seed.
        measure: what is asked of them.
        minus: the same seeds and cases of another row; then the difference is estimated, paired.
    """
    rng = np.random.default_rng(0)
    seeds, cases = len(clips), len(clips[0])
    values = []
    for _ in range(SAMPLES):
        drawn = rng.integers(seeds, size=seeds)
        index = rng.integers(cases, size=cases)
        values.append(np.mean([_value(clips[s], measure, index, minus and minus[s]) for s in drawn]))
    value = float(np.mean([_value(clips[s], measure, range(cases), minus and minus[s]) for s in range(seeds)]))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Figure(value, float(low), float(high), seeds * cases)


def _value(
    clips: Sequence[dict[str, Any]], measure: Measure, index: Iterable[int], minus: Sequence[dict[str, Any]] | None
) -> float:
    index = list(index)
    found = measure.of([clips[i] for i in index])
    return found if minus is None else found - measure.of([minus[i] for i in index])


class Results:
    """All result files of a folder.

    Args:
        folder: of the files.
        steps: the milestone at which rows are compared; if left out, the last one that all rows have reached with all
            their seeds.

    Raises:
        FileNotFoundError: if there are none.
    """

    def __init__(self, folder: Path, *, steps: int | None = None) -> None:
        self._steps = steps
        self.entries = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
        if not self.entries:
            raise FileNotFoundError(f"there are no ablation results in '{folder}'; run some first")

    def clips(self, row: str, way: str, *, steps: int) -> Clips:
        """Scores by seed of a row that was scored in this way at this step; empty where there are none."""
        found = [e["scores"].get(str(steps), {}).get("ways", {}).get(way) for e in self.entries if e["row"] == row]
        return [scores for scores in found if scores]

    def milestones(self, row: str) -> list[int]:
        """Steps at which every seed of a row was scored."""
        scored = [{int(steps) for steps in e["scores"]} for e in self.entries if e["row"] == row]
        return sorted(set.intersection(*scored)) if scored else []

    @property
    def steps(self) -> int:
        """At which rows are compared."""
        if self._steps is not None:
            return self._steps
        common = set.intersection(*(set(self.milestones(entry["row"])) for entry in self.entries))
        if not common:
            raise ValueError("there is no step at which all rows were scored; train and score the rows further")
        return max(common)


def summary(results: Results) -> dict[str, Any]:
    """The ablation in one dictionary: rows at equal steps and passes, curves, and guidance on the last row."""
    return {
        "steps": results.steps,
        "rows": {row.name: told for row in ROWS if (told := row_summary(results, row))},
        "curves": {row.name: curve(results, row) for row in ROWS if results.milestones(row.name)},
        "differences": differences(results),
        "guidance": guidance_summary(results),
    }


def differences(results: Results) -> dict[str, dict[str, Any]]:
    """What each row adds to the one before it in the paper's table, at equal steps; seeds and cases are paired."""
    found: dict[str, dict[str, Any]] = {}
    for row, before in LADDER:
        for way in ("plain", "driven"):
            ours, theirs = (results.clips(name, way, steps=results.steps) for name in (row, before))
            if ours and len(ours) == len(theirs):
                told = {m.name: estimate(ours, m, minus=theirs).to_dict() for m in MEASURES}
                found.setdefault(f"{row} - {before}", {})[way] = told
    return found


def row_summary(results: Results, row: Row) -> dict[str, Any]:
    """A row at equal steps, and at as many passes as the row with the most of them a step has then taken."""
    most = max(entry["passes"] for entry in results.entries)
    stops = {"equal_steps": results.steps}
    if most > row.passes:
        stops["equal_passes"] = round(results.steps * most / row.passes)
    found: dict[str, Any] = {}
    for name, steps in stops.items():
        for way in ("plain", "driven"):
            if clips := results.clips(row.name, way, steps=steps):
                figures = {m.name: estimate(clips, m).to_dict() for m in MEASURES}
                found.setdefault(name, {"steps": steps, "seeds": len(clips)})[way] = figures
    return {"label": row.label} | found if found else {}


def curve(results: Results, row: Row) -> dict[str, dict[str, Any]]:
    """Both ways of generating against the steps of training."""
    found: dict[str, dict[str, Any]] = {}
    for steps in results.milestones(row.name):
        for way in ("plain", "driven"):
            if clips := results.clips(row.name, way, steps=steps):
                figures = {m.name: estimate(clips, m).to_dict() for m in MEASURES if m.name in CURVES}
                found.setdefault(way, {})[str(steps)] = figures
    return found


def guidance_summary(results: Results) -> dict[str, Any]:
    """Each guidance on the rows with everything in them, as far as they came, and what it adds to none (paired)."""
    found: dict[str, Any] = {}
    for row in (row for row in ROWS if row.has_everything and results.milestones(row.name)):
        steps = results.milestones(row.name)[-1]
        plain = results.clips(row.name, PLAIN.name, steps=steps)
        for way in GUIDED:
            clips = results.clips(row.name, way.name, steps=steps)
            if clips and len(clips) == len(plain):
                figures = {m.name: estimate(clips, m).to_dict() for m in MEASURES}
                gains = {m.name: estimate(clips, m, minus=plain).to_dict() for m in MEASURES}
                told = {"label": way.label, "row": row.name, "steps": steps, "seeds": len(clips)}
                told |= {"figures": figures, "gain": gains, "matched_gain": matched_gains(clips, plain)}
                found[f"{row.name}/{way.name}"] = told
    return found


def matched_gains(clips: Clips, plain: Clips) -> dict[str, dict[str, Any]]:
    """Gains in Sync-C and event F1 among clips, of all seeds, whose events are equally easy to see."""
    both = [
        (a, b)
        for ours, theirs in zip(clips, plain, strict=True)
        for a, b in zip(ours, theirs, strict=True)
        if a["contrast"] is not None and b["contrast"] is not None
    ]
    guided, unguided = zip(*both, strict=True)
    contrasts = ([clip["contrast"] for clip in guided], [clip["contrast"] for clip in unguided])

    def sync(of: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
        return [(clip["sync_c"], 1.0) for clip in of]

    def hits(of: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
        return [(2 * clip["hits"], clip["found"] + clip["true"]) for clip in of]

    return {
        "sync_c": matched_gain(sync(guided), sync(unguided), contrasts).to_dict(),
        "event_f1": matched_gain(hits(guided), hits(unguided), contrasts).to_dict(),
    }


def markdown(summed: dict[str, Any]) -> str:
    """The rows as a table for people."""
    joint = ("sync_c", "sync_d", "event_f1", "lip_correlation")
    lines = [
        "| training | compared at | Sync-C | Sync-D | event F1 | mouth and voice | event F1, audio-driven | seeds |"
    ]
    lines.append("|---" * 8 + "|")
    for told in summed["rows"].values():
        for stop in ("equal_steps", "equal_passes"):
            if stop in told:
                at = told[stop]
                cells = [_cell(at, "plain", name) for name in joint] + [_cell(at, "driven", "event_f1")]
                name = f"{stop.replace('_', ' ')} ({at['steps']} steps)"
                lines.append(f"| {told['label']} | {name} | {' | '.join(cells)} | {at['seeds']} |")
    if summed["guidance"]:
        lines += [
            "",
            "| guidance | on | Sync-C | gain | gain, equally visible | event F1 | gain | gain, equally visible "
            "| mouth and voice | gain | event contrast |",
        ]
        lines.append("|---" * 11 + "|")
    for told in summed["guidance"].values():
        of, gain = told["figures"], told["gain"]
        matched = told["matched_gain"]
        cells = [_figure(part[name]) for name in ("sync_c", "event_f1") for part in (of, gain, matched)]
        cells += [_figure(part["lip_correlation"]) for part in (of, gain)]
        on = f"{told['row']}, {told['steps']} steps"
        lines.append(f"| {told['label']} | {on} | {' | '.join(cells)} | {_figure(of['event_contrast'])} |")
    return "\n".join(lines) + "\n"


def _cell(at: dict[str, Any], way: str, name: str) -> str:
    return _figure(at[way][name]) if way in at else ""


def _figure(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return ""
    return f"{figure['value']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]"
