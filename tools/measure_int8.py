"""Measure what 8-bit linear layers change in the small model: latents, bytes, and sync on the same requests and seeds.

python tools/measure_int8.py --out benchmarks/results/int8.json

bitsandbytes quantises on a CPU too; that is slow, and gives the same numbers to judge as on a card.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from harmony import HarmonyPipeline, __version__
from harmony.evaluation.bench import JUDGES, Bench, Judges
from harmony.evaluation.cases import IMPACTS, fingerprint
from harmony.evaluation.events import match_events
from harmony.evaluation.figures import Figure, figure_of, gain_figure, sync_figure
from harmony.memory.quantize import quantizable, quantize, stored_bytes
from harmony.models.conditioning import Streams

MODEL = Path("assets/harmony-tiny")
BF16_BYTES = 2
LATENT_SEEDS = 4
PROMPT = "a red drum is hit three times"


def main(
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = Path("benchmarks/results/int8.json"),
    model: Annotated[Path, typer.Option(help="Checkpoint.")] = MODEL,
    per_kind: Annotated[int, typer.Option(help="Requests of each kind of scene with events.")] = 8,
    clips: Annotated[Path, typer.Option(help="Where the clips go.")] = Path("outputs/int8"),
) -> None:
    plain, rounded = (HarmonyPipeline.from_pretrained(model, precision="float32") for _ in range(2))
    linears = dict(quantizable(rounded.transformer, "int8"))
    bf16 = sum(BF16_BYTES * layer.weight.numel() for layer in linears.values())
    quantize(rounded.transformer, "int8")
    layers = dict(rounded.transformer.named_modules())
    benches = [
        Bench(pipe, Judges.load(JUDGES), clips / name, per_kind=per_kind, kinds=IMPACTS)
        for name, pipe in (("float32", plain), ("int8", rounded))
    ]
    found: dict[str, Any] = {
        "command": f"python tools/measure_int8.py --per-kind {per_kind}",
        "versions": {"harmony": __version__, "torch": torch.__version__, "bitsandbytes": version("bitsandbytes")},
        "requests": {"clips": len(benches[0].cases), "scenes": fingerprint(benches[0].cases)},
        "quantised_layers": len(linears),
        "bytes_of_bf16": round(sum(stored_bytes(layers[name]) for name in linears) / bf16, 4),
        "latent_difference": {name: figure.to_dict() for name, figure in latent_differences(plain, rounded).items()},
    }
    found |= {name: figure.to_dict() for name, figure in sync(benches).items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    typer.echo(out.read_text(encoding="utf-8"))


def latent_differences(plain: HarmonyPipeline, rounded: HarmonyPipeline) -> dict[str, Figure]:
    """Size of the difference of the final latents over their own size, from the same noise, of each stream."""
    found: dict[str, list[float]] = {"video": [], "audio": []}
    for seed in range(LATENT_SEEDS):
        for stream, a, b in zip(found, *(final_latents(pipe, seed) for pipe in (plain, rounded)), strict=True):
            found[stream].append(float((b - a).norm() / a.norm()))
    return {stream: figure_of(values) for stream, values in found.items()}


def final_latents(pipe: HarmonyPipeline, seed: int) -> Streams:
    """What the last step predicts to be clean, which is what is decoded."""
    kept: list[Streams] = []
    pipe(PROMPT, seed=seed, callback=lambda progress: kept.append(progress.latents()))
    return Streams(*(x.float() for x in kept[-1]))


def sync(benches: list[Bench]) -> dict[str, Figure]:
    """Joint F1 of both, and the difference on the same requests (paired over clips)."""
    kinds = benches[0].kinds_of_cases
    times = [bench.events(bench.clips("joint", "joint")) for bench in benches]
    counts = [[match_events(h, s) for h, s in zip(heard, seen, strict=True)] for seen, heard in times]
    (seen, heard), (seen_rounded, heard_rounded) = times
    return {
        "joint_f1_float32": sync_figure(heard, seen, kinds),
        "joint_f1_int8": sync_figure(heard_rounded, seen_rounded, kinds),
        "joint_f1_difference": gain_figure(counts[1], counts[0], kinds),
    }


if __name__ == "__main__":
    typer.run(main)
