"""Which settings let a checkpoint run on a card of a given size, and what to expect.

Weights are counted exactly, activations on the real code (:mod:`harmony.memory.track`). What an allocator and a driver
add is assumed, see ``RESERVE`` and ``SLACK``. Seconds are only told where something was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import torch
from torch import nn

from harmony.guidance import GuidanceTerm, null_weights
from harmony.memory.parts import ClipSize, Parts, layers_of, weight_bytes
from harmony.memory.quantize import KINDS, Quantization, layer_linears
from harmony.models.transformer import HarmonyTransformer

Offload = Literal["none", "model", "group", "sequential"]

GB = 1 << 30  # as cards are sold: one of 24 GB holds 24 times this many bytes
RESERVE = int(0.8 * GB)  # assumed: a driver's context and kernels
SLACK = 1.08  # assumed: an allocator's rounding, on activations


@dataclass(frozen=True)
class Settings:
    """How a pipeline is opened.

    Attributes:
        quantization: of transformer and text encoder.
        offload: ``none`` (all on the card), ``model`` (text encoder first, then the transformer), ``group`` (one
            layer of both streams at a time, the next one on its way), ``sequential`` (one linear layer at a time;
            slowest).
        codecs_rest: codecs wait in main memory while the transformer works.
        tiling: pictures are decoded in tiles.
        batch_passes: the passes of a guided step as one batch.
    """

    quantization: Quantization | None = None
    offload: Offload = "none"
    codecs_rest: bool = False
    tiling: bool = False
    batch_passes: bool = False

    @property
    def words(self) -> str:
        weights = {None: "bf16", "int8": "8-bit layers (int8)", "nf4": "4-bit layers (nf4)"}[self.quantization]
        where = {
            "none": "everything on the card",
            "model": "text encoder first, then the transformer",
            "group": "one layer at a time on the card",
            "sequential": "one linear layer at a time on the card",
        }[self.offload]
        extra = ["codecs wait in main memory"] * self.codecs_rest + ["pictures decoded in tiles"] * self.tiling
        passes = "passes in one batch" if self.batch_passes else "passes in turn"
        return ", ".join([weights, where, *extra, passes])


@dataclass(frozen=True)
class Plan:
    """Settings and what they are expected to need.

    Attributes:
        settings: how to open the pipeline.
        size: of the clip that was planned for.
        phases: bytes on the card at the highest point of ``text``, ``denoise`` and ``codecs`` (before and after).
        main_memory: bytes of weights that wait outside of the card.
        weights: bytes of ``transformer``, ``text_encoder`` and ``codecs``, wherever they are.
        num_passes: forward passes of a guided step; operations_per_pass: of one of them.
        fits: whether the card is large enough.
    """

    settings: Settings
    size: ClipSize
    phases: dict[str, int] = field(hash=False)
    main_memory: int
    weights: dict[str, int] = field(hash=False)
    num_passes: int
    operations_per_pass: int
    fits: bool = True

    @property
    def peak_bytes(self) -> int:
        return max(self.phases.values())


def make_plan(
    parts: Parts,
    *,
    vram: float,
    size: ClipSize | None = None,
    num_passes: int = 2,
    quantize: str = "auto",
    offload: str = "auto",
) -> Plan:
    """The first settings that fit, from the quickest to the most frugal; the most frugal if none fits.

    Args:
        parts: of the checkpoint.
        vram: bytes of the card.
        size: of the clips; the checkpoint's own where left out.
        num_passes: forward passes of a guided step, see :func:`passes_of_a_step`.
        quantize: ``int8``, ``nf4`` or ``none``, where somebody fixed it, else ``auto``.
        offload: one of ``none``, ``model``, ``group`` and ``sequential``, else ``auto``.

    Raises:
        ValueError: one sentence, if nothing can be planned so.
    """
    plans = []
    for settings in candidates(quantize, offload):
        plans.append(expect(parts, settings, size=size or parts.size, num_passes=num_passes))
        if plans[-1].peak_bytes <= vram:
            return plans[-1]
    return replace(min(plans, key=lambda plan: plan.peak_bytes), fits=False)


def passes_of_a_step(terms: Sequence[GuidanceTerm], num_steps: int) -> int:
    """Forward passes of the step that has most of them, the joint one included."""
    return 1 + max(len(null_weights(terms, step=step, num_steps=num_steps)) for step in range(num_steps))


def candidates(quantize: str = "auto", offload: str = "auto") -> list[Settings]:
    """Settings in the order in which they are tried: speed first, then as little change to the weights as possible.

    Raises:
        ValueError: a word that is unknown, or two that do not go together.
    """
    for word, name, known in ((quantize, "quantize", ("none", *KINDS)), (offload, "offload", get_args(Offload))):
        if word not in ("auto", *known):
            raise ValueError(f"{name} must be auto, {', '.join(known[:-1])} or {known[-1]}; got '{word}'")
    found = [
        settings
        for settings in _ladder()
        if quantize in ("auto", settings.quantization or "none") and offload in ("auto", settings.offload)
    ]
    if not found:
        raise ValueError(
            f"{offload} offload works with unquantised layers only, not with {quantize}; "
            "leave one of them to the planner"
        )
    return found


def _ladder() -> Iterator[Settings]:
    frugal = dict(codecs_rest=True, tiling=True)
    yield Settings(batch_passes=True)
    yield Settings()
    yield Settings(offload="model", batch_passes=True)
    yield Settings(offload="model")
    yield Settings(offload="model", codecs_rest=True)
    yield Settings(offload="model", **frugal)
    yield Settings("int8", batch_passes=True)
    yield Settings("int8")
    yield Settings("int8", "model")
    yield Settings("int8", "model", codecs_rest=True)
    yield Settings("int8", "model", **frugal)
    yield Settings(offload="group", codecs_rest=True)
    yield Settings(offload="group", **frugal)
    yield Settings("nf4", batch_passes=True)
    yield Settings("nf4")
    yield Settings("nf4", "model")
    yield Settings("nf4", "model", **frugal)
    yield Settings(offload="sequential", **frugal)


def expect(parts: Parts, settings: Settings, *, size: ClipSize, num_passes: int) -> Plan:
    """What settings need: weights exactly, activations as counted, plus ``SLACK`` and ``RESERVE``."""
    bf16, kind = torch.bfloat16, settings.quantization
    weights = {
        "transformer": weight_bytes(parts.transformer, dtype=bf16, quantization=kind),
        "text_encoder": weight_bytes(parts.text_encoder, dtype=bf16, quantization=kind),
        "codecs": sum(weight_bytes(codec, dtype=torch.float32) for codec in (parts.video_codec, parts.audio_codec)),
    }
    clips = num_passes if settings.batch_passes else 1
    step = parts.denoise_cost(size, clips=clips, dtype=bf16)
    coding = (
        parts.decode_cost(size, tiling=settings.tiling),
        parts.encode_cost(size, tiling=settings.tiling),
        parts.sound_cost(size),
    )
    working = {
        "text": parts.text_cost(dtype=bf16).peak_bytes,
        "denoise": step.peak_bytes + (parts.int8_bytes(size, clips=clips) if kind == "int8" else 0),
        "codecs": max(cost.peak_bytes for cost in coding),
    }
    text, transformer = (
        on_card(model, weights[name], settings)
        for name, model in (("text_encoder", parts.text_encoder), ("transformer", parts.transformer))
    )
    phases = {}
    for name, active in working.items():
        awake = text.working if name == "text" else text.resting
        awake += transformer.working if name == "denoise" else transformer.resting
        codecs = 0 if settings.codecs_rest and name != "codecs" else weights["codecs"]
        phases[name] = RESERVE + awake + codecs + int(SLACK * active)
    elsewhere = weights["text_encoder"] + weights["transformer"] - text.resting - transformer.resting
    elsewhere += weights["codecs"] * settings.codecs_rest
    return Plan(settings, size, phases, elsewhere, weights, num_passes, step.operations // clips)


@dataclass(frozen=True)
class OnCard:
    """Bytes of a model's weights that are on the card while it works, and while it does not."""

    working: int
    resting: int


def on_card(model: nn.Module, total: int, settings: Settings) -> OnCard:
    """What of a model's ``total`` bytes is on the card under an offload, see :mod:`harmony.memory.opening`."""
    bf16 = torch.bfloat16
    layers = layers_of(model)
    if settings.offload == "none":
        return OnCard(total, total)
    if settings.offload == "model":
        return OnCard(total, 0)
    if layers is None:  # small, stays where it is
        return OnCard(total, total)
    if settings.offload == "group":  # the layer at work and the next one on its way
        sizes = [weight_bytes(layer, dtype=bf16) for layer in layers]
        return OnCard(total - sum(sizes) + 2 * max(sizes), 0)
    if isinstance(model, HarmonyTransformer):
        sizes = [weight_bytes(linear, dtype=bf16) for _, linear in layer_linears(model)]
        return OnCard(total - sum(sizes) + max(sizes), total - sum(sizes))
    leaves = (module for module in model.modules() if not list(module.children()))
    return OnCard(max(weight_bytes(module, dtype=bf16) for module in leaves), 0)
