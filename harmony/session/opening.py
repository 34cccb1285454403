"""Which model is meant, and how it is opened."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harmony
from harmony.guidance import CONFIG_NAME, GuidanceConfig
from harmony.session.knobs import Defaults

if TYPE_CHECKING:
    from harmony.pipeline import HarmonyPipeline
    from harmony.prompts import PromptFamily

BUNDLED = Path(harmony.__file__).resolve().parents[1] / "assets" / "harmony-tiny"
MICRO = "micro"


def chosen_model(model: str | None = None) -> str:
    """The model that is meant: the argument, else ``$HARMONY_MODEL``, else the one that ships with the project.

    Returns:
        a folder, a hub id, or ``micro`` (random weights in no time, for trying things out).

    Raises:
        ValueError: the folder is not there.
    """
    name = model or os.environ.get("HARMONY_MODEL") or str(BUNDLED)
    if name == MICRO or (Path(name) / "model_index.json").is_file():
        return name
    if name.count("/") == 1 and not name.startswith((".", "/", "~")) and not Path(name).exists():
        return name  # a hub id: owner/name
    raise ValueError(
        f"There is no model in {name}. Give --model (or HARMONY_MODEL) a folder with a model_index.json or a hub id."
    )


def is_bundled(model: str) -> bool:
    return Path(model).resolve() == BUNDLED


def read_defaults(model: str) -> Defaults:
    """A checkpoint's defaults, read before its weights are."""
    if model == MICRO:
        config = _pipeline_class().micro().guidance
    elif Path(model).is_dir():
        config = GuidanceConfig.load(model)
    else:
        from huggingface_hub import hf_hub_download

        config = GuidanceConfig.load(Path(hf_hub_download(model, CONFIG_NAME)).parent)
    return Defaults.of(config, **_lengths(model), timed_words=_has_timed_words(model))


def _lengths(model: str) -> dict[str, float]:
    """How long a checkpoint's clips are, in seconds, read from its index and its transformer's configuration."""
    index, transformer = _json(model, "model_index.json"), _json(model, "transformer/config.json")
    if "num_frames" not in index or "frame_rate" not in transformer:
        return {}
    rate, usual = transformer["frame_rate"], index["num_frames"]
    return dict(seconds=usual / rate, longest=index.get("max_num_frames", usual) / rate)


def _has_timed_words(model: str) -> bool:
    """Whether an encoder of its own reads what is said; where captions carry the speech nothing says when."""
    index = _json(model, "model_index.json")
    return not index or index.get("transcript_encoder", [None])[0] is not None


def read_prompt_family(model: str) -> PromptFamily | None:
    """How a checkpoint wants to be told, read from its index; ``None`` where it takes the fields apart."""
    from harmony.prompts import family_named

    return family_named(_json(model, "model_index.json").get("prompt_family"))


def read_license(model: str) -> str | None:
    """The licence of a checkpoint's weights, read from its index; ``None`` where none is told."""
    return _json(model, "model_index.json").get("license")


def _json(model: str, name: str) -> dict[str, Any]:
    """One of a checkpoint's configuration files; empty for what has none."""
    if model == MICRO:
        return {}
    file = Path(model) / name
    if not Path(model).is_dir() and "/" in model:
        from huggingface_hub import hf_hub_download

        file = Path(hf_hub_download(model, name))
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def check_opening(*, quantize: str, offload: str, compile: bool = False) -> None:
    """Find out early whether :func:`load_pipeline` would refuse these words.

    Raises:
        ValueError: it would; one sentence says why.
    """
    if quantize == offload == "auto" and not compile:
        return
    from harmony.memory.card import has_card
    from harmony.memory.choice import settings_without_card
    from harmony.memory.planner import candidates

    candidates(quantize, offload) if has_card() else settings_without_card(quantize, offload)
    if compile and not has_card():
        raise ValueError("compiled layers need a graphics card, and none was found here; leave --compile out")
    if compile and not {quantize, offload} <= {"auto", "none"}:
        raise ValueError("layers that are quantised or offloaded cannot be compiled; leave one of them out")


def load_pipeline(
    model: str, *, quantize: str = "auto", offload: str = "auto", compile: bool = False
) -> HarmonyPipeline:
    """Open the pipeline and put it where it runs fastest; a big one so that it fits the card of this machine.

    Args:
        model: a folder, a hub id, or ``micro``.
        quantize: ``auto``, ``none``, ``int8`` or ``nf4``, see :mod:`harmony.memory`.
        offload: ``auto``, ``none``, ``model``, ``group`` or ``sequential``.
        compile: compile the transformer's layers; the first clip then waits for it.

    Raises:
        ValueError: one sentence about what does not go together, or not on this machine.
    """
    if compile:
        check_opening(quantize=quantize, offload=offload, compile=compile)
    pipe = _opened(model, quantize, offload)
    if compile:
        from harmony.memory.opening import compile_layers

        compile_layers(pipe)
    return pipe


def _opened(model: str, quantize: str, offload: str) -> HarmonyPipeline:
    import torch
    from diffusers.utils import logging as diffusers_logging

    pipeline = _pipeline_class()
    diffusers_logging.disable_progress_bar()  # a page and a spinner already say that the model is opening
    if quantize == offload == "auto" and (model == MICRO or not torch.cuda.is_available()):
        pipe = pipeline.micro() if model == MICRO else pipeline.from_pretrained(model)
        return pipe.to("cuda" if torch.cuda.is_available() else "cpu")
    from harmony.memory.choice import open_here, settle  # what plans and quantises is not needed for a small model

    if model == MICRO:
        return settle(pipeline.micro(), quantize=quantize, offload=offload)
    return open_here(model, quantize=quantize, offload=offload)


def _pipeline_class() -> type[HarmonyPipeline]:
    """Imported late: it takes seconds, and is needed only when a model is really wanted."""
    # Its wish for another package, at every import, would be the first thing that a person reads.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    from harmony.pipeline import HarmonyPipeline

    return HarmonyPipeline
