"""Train the judges (event detectors, scene classifier) on true clips of the tiny world.

    python -m harmony.evaluation.train --out assets/judges

They see blurred, dimmed and noisy copies too, so that a generated clip is judged by what happens in it and not by its
finish. Judges learn from the training split only; their quality on held-out clips is measured by ``harmony evaluate``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.data.world import EVENT_KINDS, KINDS, Clip, render, sample_scene
from harmony.evaluation.classifier import SceneClassifier, classifier_loss
from harmony.evaluation.detectors import HeardEventDetector, SeenEventDetector, event_target
from harmony.timeline import Timeline

# Attributes that a picture shows; counts and tempo are judged by the event detectors.
VISIBLE = ("colour", "size", "material", "place", "style", "hair", "hair_colour", "shirt", "skin", "bars", "animal")


@dataclass(frozen=True)
class Examples:
    """True clips in memory: pictures uint8 (N, F, 3, H, W), sound (N, S), event times and labels."""

    frames: Tensor
    waveform: Tensor
    times: list[list[float]]
    kinds: list[str]
    labels: list[dict[str, str]]


def render_examples(seeds: range, timeline: Timeline, *, split: str = "train") -> Examples:
    """Render clips of all kinds in turn."""
    clips: list[Clip] = [
        render(sample_scene(seed, kind=KINDS[i % len(KINDS)], split=split), timeline) for i, seed in enumerate(seeds)
    ]
    return Examples(
        frames=torch.from_numpy(np.stack([c.frames for c in clips])).permute(0, 1, 4, 2, 3).contiguous(),
        waveform=torch.from_numpy(np.stack([c.waveform for c in clips])),
        times=[[event.time for event in c.scene.events] for c in clips],
        kinds=[c.scene.kind for c in clips],
        labels=[{"kind": c.scene.kind} | c.scene.attributes for c in clips],
    )


def spoil_frames(frames: Tensor, generator: torch.Generator) -> Tensor:
    """(B, F, 3, H, W) uint8 to floats in [0, 1], each clip blurred, dimmed and noised by chance."""
    x = frames.float() / 255
    batch, _, _, height, width = x.shape
    strength = torch.rand(batch, 4, generator=generator)
    coarse = F.interpolate(x.flatten(0, 1), (height // 2, width // 2), mode="area")
    coarse = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False).view_as(x)
    blur = (strength[:, 0] * (strength[:, 0] > 0.4)).view(-1, 1, 1, 1, 1)
    x = x * (1 - blur) + coarse * blur
    gain = 0.85 + 0.3 * strength[:, 1].view(-1, 1, 1, 1, 1)
    noise = 0.06 * (strength[:, 2] * (strength[:, 2] > 0.3)).view(-1, 1, 1, 1, 1)
    return (x * gain + noise * torch.randn(x.shape, generator=generator)).clamp(0, 1)


def spoil_waveform(waveform: Tensor, generator: torch.Generator) -> Tensor:
    """(B, S), each clip at another loudness and with a little noise."""
    gain = 10 ** (-0.6 * torch.rand(waveform.shape[0], 1, generator=generator))
    noise = 0.01 * torch.rand(waveform.shape[0], 1, generator=generator) ** 2
    return waveform * gain + noise * torch.randn(waveform.shape, generator=generator)


def train_judge(
    model: nn.Module, batches: Iterator, loss_of: Callable[..., Tensor], *, steps: int, lr: float = 2e-3
) -> float:
    """AdamW with a one-cycle learning rate; returns the mean loss of the last tenth."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    tail: list[float] = []
    model.train()
    for step in range(steps):
        loss = loss_of(model, next(batches))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step >= steps * 0.9:
            tail.append(float(loss.detach()))
    model.eval()
    return float(np.mean(tail))


def _indices(size: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    while True:
        yield from torch.randperm(size, generator=generator).split(batch_size)


def train_all(examples: Examples, *, steps: int, seed: int = 0, batch_size: int = 24) -> dict[str, nn.Module]:
    """Train the three judges one after the other."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    timeline = Timeline(num_frames=examples.frames.shape[1])
    impacts = torch.tensor([i for i, kind in enumerate(examples.kinds) if kind in EVENT_KINDS])

    def detector_loss(model: nn.Module, index: Tensor) -> Tensor:
        index = impacts[index]
        if isinstance(model, SeenEventDetector):
            logits = model(spoil_frames(examples.frames[index], generator))
        else:
            logits = model(spoil_waveform(examples.waveform[index], generator))
        target = torch.stack(
            [event_target(examples.times[i], logits.shape[1], rate=model.rate) for i in index.tolist()]
        )
        return F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor(3.0))

    def scene_loss(model: nn.Module, index: Tensor) -> Tensor:
        scores = model(spoil_frames(examples.frames[index], generator))
        return classifier_loss(scores, [examples.labels[i] for i in index.tolist()], model.config.classes)

    judges: dict[str, nn.Module] = {
        "seen": SeenEventDetector(frame_rate=timeline.frame_rate),
        "heard": HeardEventDetector(sample_rate=timeline.sample_rate),
        "scene": SceneClassifier(classes=visible_classes(examples)),
    }
    for name, judge in judges.items():
        size, loss_of = (len(examples.kinds), scene_loss) if name == "scene" else (len(impacts), detector_loss)
        start = time.monotonic()
        loss = train_judge(judge, _indices(size, batch_size, generator), loss_of, steps=steps)
        print(f"{name}: loss {loss:.4f} after {steps} steps, {time.monotonic() - start:.0f} s", flush=True)
    return judges


def visible_classes(examples: Examples) -> dict[str, list[str]]:
    """The values that the kind and each visible attribute take in the examples."""
    names = ("kind", *VISIBLE)
    values = {name: sorted({label[name] for label in examples.labels if name in label}) for name in names}
    return {name: found for name, found in values.items() if len(found) > 1}


def main(
    out: Annotated[Path, typer.Option(help="Folder for the judges' weights.")],
    clips: Annotated[int, typer.Option(help="True clips to learn from.")] = 3000,
    steps: Annotated[int, typer.Option(help="Training steps of each judge.")] = 1500,
    seed: Annotated[int, typer.Option(help="First scene seed.")] = 500_000_000,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
) -> None:
    """Train the event detectors and the scene classifier that judge generated clips."""
    torch.set_num_threads(threads)
    examples = render_examples(range(seed, seed + clips), Timeline())
    for name, judge in train_all(examples, steps=steps).items():
        judge.save_pretrained(out / name)


if __name__ == "__main__":
    typer.run(main)
