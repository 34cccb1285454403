"""Make the variants of a comparison, measure each, and write everything into one folder.

Where it pays (:mod:`harmony.comparison.together`) all variants go through the steps as one batch: each is then its own
single run up to the rounding of a larger matrix product. Else they are made in turn, and each *is* its own single run,
bit for bit. They share the caption's encoding and, by the seed, the noise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from harmony.comparison.files import write_mosaic, write_package, write_plot, write_table
from harmony.comparison.plan import Comparison, Variant
from harmony.comparison.result import Compared, Made, measured, most_in_sync
from harmony.comparison.together import make_together, together_pays
from harmony.session import JobCancelled, OnStep, encode_job, run_job

if TYPE_CHECKING:
    from harmony.encoding import EncodedCaptions
    from harmony.pipeline import HarmonyPipeline

Cancel = Callable[[], bool]
Variants = tuple[tuple[Made, ...], tuple[str, ...]]  # what was made, and what should be said about it


def run_comparison(
    pipe: HarmonyPipeline,
    wish: Comparison,
    folder: Path,
    *,
    on_step: OnStep | None = None,
    cancel: Cancel | None = None,
    captions: EncodedCaptions | None = None,
    package: bool = False,
) -> Compared:
    """Do a comparison: clips, how well each is in sync, a table, a plot, and one film of all.

    Args:
        pipe: the open model.
        wish: what is compared.
        folder: where everything goes; made if it is not there.
        on_step: called after every step, with steps and time left over all variants.
        cancel: asked before every step; True stops the work.
        captions: the words, where :func:`~harmony.session.encode_job` encoded them before.
        package: also write everything into one zip.

    Raises:
        ValueError: one sentence about what does not fit.
        JobCancelled: if ``cancel`` said so.
    """
    wish.check(pipe)
    folder.mkdir(parents=True, exist_ok=True)
    started, variants = time.perf_counter(), wish.variants
    captions = captions or encode_job(pipe, wish.job)
    made, cautions = _make(pipe, variants, folder, captions=captions, on_step=on_step, cancel=cancel)
    _stop_if(cancel)
    compared = _written(wish, made, folder)
    fact = f"Seed {wish.job.seed} · {len(made)} clips made and measured in {time.perf_counter() - started:.1f} s"
    compared = replace(compared, facts=(fact, *cautions))
    return replace(compared, package=write_package(folder / "comparison.zip", compared)) if package else compared


def _make(pipe: HarmonyPipeline, variants: Sequence[Variant], *told: Any, **settings: Any) -> Variants:
    """All at once where it pays and a card has the memory, else in turn."""
    if together_pays(pipe, variants):
        try:
            return make_together(pipe, variants, *told, **settings)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
    return _make_in_turn(pipe, variants, *told, **settings)


def _make_in_turn(
    pipe: HarmonyPipeline,
    variants: Sequence[Variant],
    folder: Path,
    *,
    captions: EncodedCaptions,
    on_step: OnStep | None,
    cancel: Cancel | None,
) -> Variants:
    """The variants one after the other, and what should be said about them."""
    watch = _Watch(pipe, variants, on_step, cancel)
    made, cautions = [], {}
    for variant in variants:
        told = dict(on_step=watch.after_step, cancel=watch.before_step, companions=True, captions=captions)
        outcome = run_job(pipe, variant.job, folder / f"{variant.name}.mp4", **told)
        made.append(measured(variant, outcome, seconds=watch.next_variant()))
        cautions |= dict.fromkeys(outcome.facts[1:])
    return tuple(made), tuple(cautions)


def _written(wish: Comparison, made: tuple[Made, ...], folder: Path) -> Compared:
    """The table, the plot and the film of all variants."""
    heard = most_in_sync(made)
    return Compared(
        wish=wish,
        made=made,
        heard=heard,
        clip=write_mosaic(folder / "mosaic.mp4", made, heard=heard),
        table=write_table(folder / "table.csv", made),
        plot=write_plot(folder / "plot.png", wish, made),
    )


def _stop_if(cancel: Cancel | None) -> None:
    if cancel is not None and cancel():
        raise JobCancelled


class _Watch:
    """Steps, time left and cancel over all variants. A step costs as many passes as its guidance needs.

    Args:
        pipe: the model. variants: what is made, in order.
        tell: gets steps done, of how many, and the seconds left.
        cancel: asked before every step.
    """

    def __init__(
        self, pipe: HarmonyPipeline, variants: Sequence[Variant], tell: OnStep | None, cancel: Cancel | None
    ) -> None:
        self._passes = [variant.job.num_passes(pipe) for variant in variants]
        self._steps = [variant.job.steps or pipe.guidance.num_inference_steps for variant in variants]
        self._tell, self._cancel = tell, cancel
        self._variant, self._started = 0, time.perf_counter()
        self._begun: float | None = None
        self._seconds = 0.0

    def before_step(self) -> bool:
        """Whether to stop; the first question of a variant is when its steps begin."""
        if self._begun is None:
            self._begun = time.perf_counter()
        return self._cancel is not None and self._cancel()

    def after_step(self, step: int, total: int, _: float) -> None:
        """A step of the present variant is done."""
        self._seconds = time.perf_counter() - self._begun
        if self._tell is None:
            return
        now = self._variant
        share = (sum(self._passes[:now]) + self._passes[now] * step / total) / sum(self._passes)
        left = (time.perf_counter() - self._started) * (1 - share) / share
        self._tell(sum(self._steps[:now]) + step, sum(self._steps), left)

    def next_variant(self) -> float:
        """Turn to the next one; gives the seconds that the steps of this one took."""
        self._variant, self._begun = self._variant + 1, None
        return self._seconds
