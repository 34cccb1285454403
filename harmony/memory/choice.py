"""A pipeline opened as this machine allows, or as somebody wants it."""

from __future__ import annotations

from pathlib import Path

from harmony.checkpoints import is_local, local_folder
from harmony.guidance import GuidanceConfig
from harmony.memory.card import card_bytes, on_zero_gpu
from harmony.memory.opening import arrange, open_pipeline
from harmony.memory.parts import Parts
from harmony.memory.planner import Plan, Settings, candidates, make_plan, passes_of_a_step
from harmony.memory.quantize import quantize as quantize_layers
from harmony.pipeline import HarmonyPipeline
from harmony.precision import DTYPES, best_precision


def open_here(name: str, *, quantize: str = "auto", offload: str = "auto") -> HarmonyPipeline:
    """Open a checkpoint where it runs fastest on this machine.

    Small checkpoints, and machines without a card, need no plan: nothing is quantised there unless somebody wants it.

    Args:
        name: a folder or hub id.
        quantize: ``auto``, ``none``, ``int8`` or ``nf4``.
        offload: ``auto``, ``none``, ``model``, ``group`` or ``sequential``.

    Raises:
        ValueError: one sentence about what does not go together, or not on this machine.
    """
    free = card_bytes()
    if free is None:
        settings = settings_without_card(quantize, offload)
        if settings.quantization is None:
            return HarmonyPipeline.from_pretrained(name)
        return open_pipeline(name, settings, device="cpu", dtype=DTYPES[best_precision("cpu")])
    parts = Parts.of(config_folder(name))
    if quantize == offload == "auto" and parts.is_small:
        return HarmonyPipeline.from_pretrained(name).to("cuda")
    if offload == "auto" and on_zero_gpu():
        offload = "none"  # there the model stays resident between the visitors' turns
    guidance = GuidanceConfig.load(local_folder(name, {}))
    plan = plan_for(parts, guidance, vram=free, quantize=quantize, offload=offload)
    pipe = open_pipeline(name, plan.settings, device="cuda")
    if not plan.fits:
        pipe.opened_as += "; this may still be more than the card holds"
    return pipe


def plan_for(parts: Parts, guidance: GuidanceConfig, *, vram: float, quantize: str, offload: str) -> Plan:
    """The plan for a checkpoint's own clips under its own guidance."""
    passes = passes_of_a_step(guidance.terms, guidance.num_inference_steps)
    return make_plan(parts, vram=vram, num_passes=passes, quantize=quantize, offload=offload)


def settings_without_card(quantize: str, offload: str) -> Settings:
    """What can be wanted on a machine without a card: fewer bits, nothing else.

    Raises:
        ValueError: offloading was wanted, or an unknown word.
    """
    candidates(quantize, "auto"), candidates("auto", offload)  # unknown words first
    if offload not in ("auto", "none"):
        raise ValueError(
            f"{offload} offload moves weights between main memory and a graphics card, and none was found here; "
            "leave --offload out"
        )
    return Settings(None if quantize in ("auto", "none") else quantize, batch_passes=True)


def settle(pipe: HarmonyPipeline, *, quantize: str = "auto", offload: str = "auto") -> HarmonyPipeline:
    """Quantise and arrange a small pipeline that is open already."""
    device = "cpu" if card_bytes() is None else "cuda"
    if device == "cpu":
        settings = settings_without_card(quantize, offload)
    else:
        settings = candidates("none" if quantize == "auto" else quantize, "none" if offload == "auto" else offload)[0]
    if settings.quantization is not None:
        quantize_layers(pipe.transformer, settings.quantization)
    return arrange(pipe, settings, device=device)


def config_folder(name: str) -> Path:
    """A checkpoint's folder with at least its configs, fetched from the hub if need be."""
    if is_local(name):
        return Path(name)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, allow_patterns=["*.json"]))
