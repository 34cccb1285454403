"""From what was measured on each clip to the table: figures with intervals, by set and subset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harmony.evaluation.figures import CannotMeasure, Figure, interval, matched_gain, ratio_figure
from harmony.evaluation.harmony_bench.cases import SUBSETS
from harmony.evaluation.harmony_bench.measures import MEASURES
from harmony.evaluation.harmony_bench.run import Record
from harmony.evaluation.metrics.frechet import frechet_distance

FRECHET_OTHERS = "others"  # the set that distances are taken to
GAIN_OVER = "plain"


def table(records: Mapping[str, Sequence[Record]]) -> dict[str, Any]:
    """All sets.

    Args:
        records: of the same cases in every set; that of ``others``, if it is there, only serves Fréchet distances.

    Returns:
        ``sets``: figures of each set by subset ("all" is every case) and measure, Fréchet distances, and what could
        not be measured with the reason; ``gains``: what each set adds to the plain one, paired over cases, and
        ``matched_gains`` the same where events are equally easy to see.
    """
    others = records.get(FRECHET_OTHERS)
    judged = {name: found for name, found in records.items() if name != FRECHET_OTHERS}
    sets = {
        name: {"figures": figures(found), "frechet": frechet(found, others), "not_measured": reasons(found)}
        for name, found in judged.items()
    }
    plain = judged.get(GAIN_OVER)
    compared = {name: found for name, found in judged.items() if plain and name != GAIN_OVER}
    if not compared:
        return {"sets": sets}
    return {
        "sets": sets,
        "gains": {name: gains_over(found, plain) for name, found in compared.items()},
        "matched_gains": {name: matched_gains(found, plain) for name, found in compared.items()},
    }


def figures(records: Sequence[Record]) -> dict[str, dict[str, dict]]:
    """Of every measure that was taken, for all cases and for each subset."""
    found: dict[str, dict[str, dict]] = {}
    for subset in ("all", *SUBSETS):
        own = [record for record in records if subset in ("all", record["subset"])]
        told = {name: figure.to_dict() for name in MEASURES if (figure := figure_of(own, name)) is not None}
        if told:
            found[subset] = told
    return found


def figure_of(records: Sequence[Record], name: str) -> Figure | None:
    """All parts of a measure over all its totals; None where no clip has it."""
    parts = [record["parts"][name] for record in records if name in record["parts"]]
    if not sum(total for _, total in parts):
        return None
    return ratio_figure(*zip(*parts, strict=True))


def gains_over(records: Sequence[Record], plain: Sequence[Record]) -> dict[str, dict]:
    """What a set adds to the plain one in each measure, on those cases where both have it (paired over cases)."""
    found = {}
    for name in MEASURES:
        pairs = [
            (a["parts"][name], b["parts"][name])
            for a, b in zip(records, plain, strict=True)
            if name in a["parts"] and name in b["parts"]
        ]
        if pairs:
            found[name] = gain(np.array(pairs, float)).to_dict()
    return found


def matched_gains(records: Sequence[Record], plain: Sequence[Record]) -> dict[str, dict]:
    """The gains in Sync-C and event F1 among clips whose events are equally easy to see."""
    pairs = [(a["parts"], b["parts"]) for a, b in zip(records, plain, strict=True) if _contrast(a) and _contrast(b)]
    if len(pairs) < 8:  # two in a quarter
        return {}
    contrasts = tuple([side["contrast"][0] for side in sides] for sides in zip(*pairs, strict=True))
    found = {}
    for name in ("sync_c", "event_f1"):
        ours, theirs = ([side[name] for side in sides] for sides in zip(*pairs, strict=True))
        found[name] = matched_gain(ours, theirs, contrasts).to_dict()
    return found


def _contrast(record: Record) -> bool:
    return bool(record["parts"].get("contrast", (0.0, 0.0))[1])


def gain(pairs: np.ndarray) -> Figure:
    """(clips, 2, 2): part and total of the one and of the other set, to the difference of their ratios."""

    def difference(index: np.ndarray) -> float:
        (part, total), (other_part, other_total) = pairs[index].sum(0)
        return part / total - other_part / other_total if total and other_total else float("nan")

    return Figure(float(difference(np.arange(len(pairs)))), *interval(difference, len(pairs)), len(pairs))


def frechet(records: Sequence[Record], others: Sequence[Record] | None) -> dict[str, float]:
    """Distances of picture and sound to true clips of other scenes; empty where there are none to compare with."""
    if others is None:
        return {}
    found = {}
    for stream in ("picture", "sound"):
        ours, theirs = (np.array([r["embeddings"][stream] for r in rs if r["embeddings"]]) for rs in (records, others))
        try:
            found[stream] = round(frechet_distance(ours, theirs), 4)
        except CannotMeasure:  # fewer than two clips
            continue
    return found


def reasons(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    """Why measures are missing, with the number of clips, by measure."""
    found: dict[str, Counter[str]] = {}
    for record in records:
        for name, reason in record["missing"].items():
            found.setdefault(name, Counter())[reason] += 1
    return {name: dict(counts) for name, counts in found.items()}
