"""Measure a denoising step of a full-size model with random weights on a GPU, beside what the planner says.

python tools/measure_full_size.py --out benchmarks/results/full-size.json

Time and memory depend on shapes alone, so no released weights are needed. Inputs and weights are random, never zeros.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from harmony import __version__
from harmony.encoding import UMT5_LENGTH
from harmony.memory.opening import offload_groups
from harmony.memory.parts import ClipSize, Parts, weight_bytes
from harmony.memory.planner import GB
from harmony.memory.quantize import quantize
from harmony.models.conditioning import Conditioning
from harmony.models.config import HarmonyConfig
from harmony.models.transformer import HarmonyTransformer
from harmony.precision import cast

BF16 = torch.bfloat16
PASSES = 3  # of SyncCFG: joint, and one anchor for either stream


def main(
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = Path("benchmarks/results/full-size.json"),
    models: Annotated[str, typer.Option(help="Presets of HarmonyConfig, parted by commas.")] = "ovi,paper",
    size: Annotated[int, typer.Option(help="Height and width in pixels.")] = 704,
    frames: Annotated[int, typer.Option(help="Pictures of the clip.")] = 121,
    repeats: Annotated[int, typer.Option(help="Timed passes.")] = 3,
    offload: Annotated[bool, typer.Option(help="Measure group offloading too; needs as much main memory.")] = True,
    int8: Annotated[bool, typer.Option(help="Measure layers in 8 bits too.")] = True,
    compiled: Annotated[bool, typer.Option("--compile/--no-compile", help="Measure compiled layers too.")] = True,
    device: Annotated[str, typer.Option(help="cuda, or cpu to try the script.")] = "cuda",
) -> None:
    where = torch.device(device)
    found: dict[str, Any] = {"harmony": __version__, "torch": torch.__version__, "device": name_of(where)}
    found |= {"height": size, "width": size, "frames": frames, "repeats": repeats}
    found["matmul_bf16_tflops"] = matmul_rate(where)
    for preset in models.split(","):
        found[preset] = measure(preset, ClipSize(size, size, frames), repeats, where, found)
        out.parent.mkdir(parents=True, exist_ok=True)
        ways = {"int8": int8 and measure_int8, "group_offload": offload and measure_offload,
                "compiled": compiled and measure_compiled}  # fmt: skip
        for name, way in ways.items():
            out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")  # what is done is kept
            if way:
                found[preset][f"one_pass_{name}"] = way(preset, ClipSize(size, size, frames), repeats, where)
        out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        typer.echo(json.dumps(found[preset]))


@torch.inference_mode()
def measure(preset: str, size: ClipSize, repeats: int, device: torch.device, found: dict[str, Any]) -> dict[str, Any]:
    """One preset: a pass for one clip, and SyncCFG's passes in one batch and in turn."""
    parts, model = opened(preset, device)
    weights = memory_in_use(device)
    entry: dict[str, Any] = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights_gb": {"planned": weight_bytes(model, dtype=BF16) / GB, "measured": weights / GB},
    }
    for name, clips, turns in (("one_pass", 1, 1), ("sync_cfg_in_turn", 1, PASSES), ("sync_cfg_one_batch", PASSES, 1)):
        with torch.inference_mode(False):  # in which operations would go uncounted
            cost = parts.denoise_cost(size, clips=clips, dtype=BF16)
        seconds, peak = timed(step(model, parts, size, clips, turns, device), repeats, device)
        rate = turns * cost.operations / seconds / 1e12
        entry[name] = {
            "seconds": round(seconds, 4),
            "working_gb": {"planned": cost.peak_bytes / GB, "measured": (peak - weights) / GB},
            "peak_gb": peak / GB,
            "tflops": round(rate, 2),
            "share_of_matmul_rate": round(rate / found["matmul_bf16_tflops"], 3),
        }
    return entry


@torch.inference_mode()
def measure_compiled(preset: str, size: ClipSize, repeats: int, device: torch.device) -> dict[str, Any]:
    """One layer is compiled and serves for all: they have equal shapes. The compiler holds on to them until reset."""
    parts, model = opened(preset, device)
    began = time.perf_counter()
    model.compile_repeated_blocks(fullgraph=True)
    run = step(model, parts, size, 1, 1, device)
    run()
    wait(device)
    compiling = time.perf_counter() - began
    seconds, peak = timed(run, repeats, device)
    torch.compiler.reset()
    return {"seconds": round(seconds, 4), "peak_gb": peak / GB, "seconds_compiling": round(compiling, 1)}


@torch.inference_mode()
def measure_int8(preset: str, size: ClipSize, repeats: int, device: torch.device) -> dict[str, Any]:
    """Layers in 8 bits, all on the card."""
    parts, model = opened(preset, device)
    planned = weight_bytes(model, dtype=BF16, quantization="int8")
    quantize(model, "int8")
    torch.cuda.empty_cache()
    weights = memory_in_use(device)
    seconds, peak = timed(step(model, parts, size, 1, 1, device), repeats, device)
    gigabytes = {"planned": planned / GB, "measured": weights / GB}
    return {"seconds": round(seconds, 4), "peak_gb": peak / GB, "weights_gb": gigabytes}


@torch.inference_mode()
def measure_offload(preset: str, size: ClipSize, repeats: int, device: torch.device) -> dict[str, Any]:
    """One layer of both streams on the card at a time, the next one on its way."""
    parts, model = opened(preset, device)
    model.to("cpu")
    torch.cuda.empty_cache()
    offload_groups(model, device, **({} if device.type == "cuda" else {"use_stream": False}))
    seconds, peak = timed(step(model, parts, size, 1, 1, device), repeats, device)
    return {"seconds": round(seconds, 4), "peak_gb": peak / GB}


def opened(preset: str, device: torch.device) -> tuple[Parts, HarmonyTransformer]:
    """The parts of a preset, and its transformer with random weights on the card."""
    parts = Parts.ovi()
    parts.config = getattr(HarmonyConfig, preset)()
    return parts, random_model(parts.config, device)


def random_model(config: HarmonyConfig, device: torch.device) -> HarmonyTransformer:
    """Straight into the card's memory, bf16 but for what stays in float32."""
    with torch.device("meta"):
        model = HarmonyTransformer.from_harmony_config(config)
    cast(model, BF16)
    model.to_empty(device=device)
    generator = torch.Generator(device).manual_seed(0)
    for name, tensor in model.named_parameters():
        if "norm" in name and name.endswith("weight"):
            tensor.data.fill_(1.0)
        else:
            tensor.data.normal_(0.0, 0.02, generator=generator)
    for buffer in model.buffers():
        buffer.zero_()
    return model.eval()


def step(
    model: HarmonyTransformer, parts: Parts, size: ClipSize, clips: int, turns: int, device: torch.device
) -> Callable[[], None]:
    """The forward passes of one step, as a function."""
    config, (t, h, w) = parts.config, parts.latent_size(size)
    audio_length = parts.timeline(size.num_frames).num_audio_latents
    random = dict(device=device, dtype=BF16)
    video = torch.randn(clips, config.in_channels_video, t, h, w, **random)
    audio = torch.randn(clips, config.in_channels_audio, audio_length, **random)
    text = torch.randn(clips, UMT5_LENGTH, config.text_dim, **random)
    told = Conditioning(video_caption=text, audio_caption=text)
    timestep = torch.full((clips,), 500.0, device=device)

    def run() -> None:
        for _ in range(turns):
            model(video, audio, timestep_video=timestep, timestep_audio=timestep, conditioning=told)

    return run


def timed(run: Callable[[], None], repeats: int, device: torch.device) -> tuple[float, int]:
    """Median seconds after one warm-up, and the highest memory in use."""
    run()
    wait(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        wait(device)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), torch.cuda.max_memory_allocated() if device.type == "cuda" else 0


def matmul_rate(device: torch.device, side: int = 8192) -> float:
    """TFLOP/s of a square bf16 product of random matrices."""
    side = side if device.type == "cuda" else 512
    a, b = (torch.randn(side, side, device=device, dtype=BF16) for _ in range(2))

    def products() -> None:
        for _ in range(10):
            a @ b

    seconds, _ = timed(products, 5, device)
    return round(10 * 2 * side**3 / seconds / 1e12, 4)


def memory_in_use(device: torch.device) -> int:
    return torch.cuda.memory_allocated() if device.type == "cuda" else 0


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "cpu"


if __name__ == "__main__":
    typer.run(main)
