"""Does a clip hold as many events as its caption asks for?"""

from __future__ import annotations

import numpy as np

from harmony.data.world.captions import words_of
from harmony.data.world.times import COUNT_WORDS
from harmony.evaluation.bench import Bench
from harmony.evaluation.cases import Case
from harmony.evaluation.figures import CannotMeasure, Figure, Times, figure_of

_NUMBERS = {word: n for n, word in enumerate(COUNT_WORDS)} | {str(n): n for n in range(len(COUNT_WORDS))}
_NUMBERS |= {"once": 1, "twice": 2, "thrice": 3}


def counting(bench: Bench) -> dict[str, Figure]:
    """Of joint clips whose captions tell a number: the share with exactly so many sounds, and with one more or less.

    Without SyncCFG too, as in ``joint_f1_unguided``. How many are seen stands beside it.
    """
    asked = [told_number(case) for case in bench.cases]
    told = [k for k, number in enumerate(asked) if number is not None]
    if not told:
        raise CannotMeasure("none of the requests asks for a number of events")
    wanted = np.array([asked[k] for k in told])

    def counts(found: Times) -> np.ndarray:
        return np.array([len(found[k]) for k in told])

    seen, heard = map(counts, bench.events(bench.clips("joint", "joint")))
    plain = counts(bench.events(bench.without_sync_cfg())[1])
    means = {"mean_asked": float(wanted.mean()), "mean_heard": float(heard.mean()), "mean_seen": float(seen.mean())}
    return {
        "count_exact": figure_of(
            heard == wanted, seen=float(np.mean(seen == wanted)), by_number=_by_number(heard, wanted), **means
        ),
        "count_exact_unguided": figure_of(plain == wanted, mean_heard=float(plain.mean())),
        "count_within_one": figure_of(np.abs(heard - wanted) <= 1),
        "count_within_one_unguided": figure_of(np.abs(plain - wanted) <= 1),
    }


def told_number(case: Case) -> int | None:
    """How many events a case's captions ask for; ``None`` if they tell no number, several, or another than happen
    (two things that each have one)."""
    words = words_of(f"{case.captions.video} {case.captions.audio}")
    told = {_NUMBERS[word] for word in words if word in _NUMBERS}
    return len(case.times) if told == {len(case.times)} else None


def _by_number(heard: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """How many sounds there are on average where one, two, ... were asked for."""
    return {COUNT_WORDS[n]: float(heard[wanted == n].mean()) for n in sorted(set(wanted.tolist()))}
