"""Small latent caches of random latents, and trainings of a few thousand weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from harmony.data.cache import CacheInfo, EncodedClip, create_cache, write_shard
from harmony.data.world import Word, sample_scene
from harmony.timeline import Timeline
from harmony.training.config import TrainingConfig
from harmony.training.trainer import Trainer

TIMELINE = Timeline(num_frames=17)
VIDEO, AUDIO = (4, TIMELINE.num_video_latents, 4, 4), (6, TIMELINE.num_audio_latents)
INFO = CacheInfo(TIMELINE, 32, 32, 0.5, (0.0, 1.0))


def speaking(seed: int):
    """A scene with words, whatever kinds of scene the world has."""
    words = (Word("hello", 0.1, 0.5, 0), Word("drum", 0.6, 0.9, 0))
    scene = sample_scene(seed, kind="drum", duration=TIMELINE.duration)
    return replace(scene, words=words, transcript="hello drum", speaker="anna")


def encoded(seed: int, group: str) -> EncodedClip:
    rng = np.random.default_rng(seed)
    voice = (
        [rng.standard_normal((AUDIO[0], 16)).astype(np.float32) for _ in range(2)] if group == "speech" else [None] * 2
    )
    scene = speaking(seed) if group == "speech" else sample_scene(seed, kind="drum", duration=TIMELINE.duration)
    video, audio = rng.standard_normal(VIDEO), rng.standard_normal(AUDIO)
    return EncodedClip(scene, group, video, audio, rng.standard_normal((VIDEO[0], *VIDEO[2:])), *voice)


def add_shard(folder: Path, seeds: range, name: str) -> None:
    create_cache(folder, INFO, np.zeros(AUDIO))
    write_shard(folder, name, [encoded(seed, "speech" if seed % 2 else "ambient") for seed in seeds])


def micro(*changes: str) -> TrainingConfig:
    return TrainingConfig.load("micro", ["data.mix={ambient: 1, speech: 1}", *changes])


def train(config: TrainingConfig, **kwargs) -> Trainer:
    trainer = Trainer(config, report=lambda line: None)
    trainer.train(**kwargs)
    return trainer
