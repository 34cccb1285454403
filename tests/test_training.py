"""Training: caches, cross-task losses, conditions, weights, and runs that stop and go on."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from toys import SpyModel, conditions

from harmony.data.cache import CacheInfo, EncodedClip, LatentCache, create_cache, write_shard
from harmony.data.fill import Encoder, fill_cache
from harmony.data.world import Word, sample_scene
from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.models.conditioning import Streams
from harmony.models.text import CaptionTokenizer
from harmony.timeline import Timeline
from harmony.training.batches import BatchMaker, ClipSampler, Prefetcher
from harmony.training.checkpoint import read_part, read_progress
from harmony.training.conditions import choose_shown
from harmony.training.config import CONFIG_FOLDER, ConditionConfig, DataConfig, LossConfig, TaskConfig, TrainingConfig
from harmony.training.curriculum import learning_rate
from harmony.training.ema import MovingAverage, ema_decay
from harmony.training.losses import (
    NoisyClips,
    add_noise,
    clip_losses,
    draw_sigmas,
    motion_weights,
    run_model,
    shift_sigma,
    total_loss,
)
from harmony.training.tasks import Task, draw_tasks, stream_weights, task_weights
from harmony.training.trainee import Trainee
from harmony.training.trainer import Trainer
from harmony.training.warmstart import copy_weights, warm_start
from harmony.training.weights import FlatWeights

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


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A cache home with eight clips to train on and four to validate on."""
    monkeypatch.setenv("HARMONY_CACHE", str(tmp_path))
    add_shard(tmp_path / "latents" / "train", range(8), "a")
    add_shard(tmp_path / "latents" / "val", range(100, 104), "a")
    return tmp_path


def micro(*changes: str) -> TrainingConfig:
    return TrainingConfig.load("micro", ["data.mix={ambient: 1, speech: 1}", *changes])


def train(config: TrainingConfig, **kwargs) -> Trainer:
    trainer = Trainer(config, report=lambda line: None)
    trainer.train(**kwargs)
    return trainer


def random_clips(batch: int = 3, seed: int = 0) -> tuple[Streams, Streams]:
    g = torch.Generator().manual_seed(seed)
    clean, noise = (
        Streams(torch.randn(batch, *VIDEO, generator=g), torch.randn(batch, *AUDIO, generator=g)) for _ in range(2)
    )
    return clean, noise


# -- losses --------------------------------------------------------------------------------------


def test_lambdas_sit_on_the_right_tasks():
    config = TaskConfig(cross_task="literal")
    weights = stream_weights(torch.tensor([Task.JOINT, Task.AUDIO_DRIVEN_VIDEO, Task.VIDEO_DRIVEN_AUDIO]), config)
    assert weights.video.tolist() == pytest.approx([1.0, 0.1, 0.0])  # 0.1 on the video made for a sound
    assert weights.audio.tolist() == pytest.approx([1.0, 0.0, 0.3])  # 0.3 on the sound made for a video


def pass_loss(task: Task, config: TaskConfig) -> float:
    """The loss of one pass in which every clip has this task."""
    clean, noise = random_clips()
    tasks = torch.full((3,), int(task))
    clips = add_noise(clean, noise, sigma=torch.tensor([0.2, 0.5, 0.9]), tasks=tasks, motion_weight=6.0)
    prediction = run_model(SpyModel(), clips, conditions(3), dtype=torch.float32)
    return float(total_loss(clip_losses(prediction, clips), stream_weights(tasks, config)))


@pytest.mark.parametrize("probabilities", [(0.5, 0.25, 0.25), (0.7, 0.1, 0.2)])
def test_sampled_tasks_expect_the_literal_loss(probabilities):
    sampled = TaskConfig(cross_task="sampled", weighting="exact", probabilities=probabilities)
    expected = sum(p * pass_loss(task, sampled) for p, task in zip(probabilities, Task, strict=True))
    literal = sum(pass_loss(task, TaskConfig(cross_task="literal")) for task in Task)
    assert expected == pytest.approx(literal, rel=1e-5)
    unweighted = replace(sampled, weighting="plain")
    plain = sum(p * pass_loss(task, unweighted) for p, task in zip(probabilities, Task, strict=True))
    assert plain != pytest.approx(literal, rel=1e-2)


def test_every_clip_has_each_task_as_often_as_the_config_says():
    config = TaskConfig(probabilities=(0.5, 0.3, 0.2))
    drawn = np.stack([draw_tasks(7, config, np.random.default_rng(seed))[0] for seed in range(1500)])
    shares = [(drawn == task).mean(0) for task in Task]  # per place in the batch
    for share, probability in zip(shares, config.probabilities, strict=True):
        assert np.abs(share - probability).max() < 0.05
    literal = draw_tasks(4, TaskConfig(cross_task="literal"), np.random.default_rng(0))
    assert [set(tasks.tolist()) for tasks in literal] == [{0}, {1}, {2}]


@pytest.mark.parametrize(
    ("task", "clean_stream"), [(Task.AUDIO_DRIVEN_VIDEO, "audio"), (Task.VIDEO_DRIVEN_AUDIO, "video")]
)
def test_a_given_stream_is_clean_and_gets_no_gradient(task, clean_stream):
    clean, noise = random_clips()
    tasks = torch.full((3,), int(task))
    clips = add_noise(clean, noise, sigma=torch.full((3,), 0.6), tasks=tasks)
    assert torch.equal(getattr(clips.latents, clean_stream), getattr(clean, clean_stream))
    assert not getattr(clips.timesteps, clean_stream).any()
    predicted = Streams(*(torch.zeros_like(x, requires_grad=True) for x in clean))
    total_loss(clip_losses(predicted, clips), stream_weights(tasks, TaskConfig())).backward()
    made = "video" if clean_stream == "audio" else "audio"
    assert not getattr(predicted, clean_stream).grad.any()
    assert getattr(predicted, made).grad.abs().min() > 0
    # Nor does what the given stream's target would have been matter.
    other_target = torch.randn_like(getattr(clips.targets, clean_stream))
    moved = replace(clips, targets=clips.targets._replace(**{clean_stream: other_target}))
    losses = [total_loss(clip_losses(predicted, c), stream_weights(tasks, TaskConfig())) for c in (clips, moved)]
    assert losses[0] == losses[1]


def test_joint_task_shares_one_noise_level():
    clean, noise = random_clips()
    sigma = torch.tensor([0.1, 0.5, 0.8])
    clips = add_noise(clean, noise, sigma=sigma, tasks=torch.zeros(3, dtype=torch.long))
    assert torch.equal(clips.timesteps.video, clips.timesteps.audio)
    assert torch.allclose(clips.timesteps.video, sigma * 1000)
    expected = 0.5 * clean.video[1] + 0.5 * noise.video[1]
    assert torch.allclose(clips.latents.video[1], expected)
    assert torch.allclose(clips.targets.audio, noise.audio - clean.audio)
    # The exact velocity leaves no loss.
    assert all(float(loss.max()) == 0.0 for loss in clip_losses(clips.targets, clips))


def test_motion_weights_average_one_and_rest_on_what_moves():
    video = torch.zeros(2, 4, 5, 4, 4)
    video[0, :, 2, 0, 0] = 3.0
    weights = motion_weights(video, 6.0)
    assert torch.allclose(weights.mean(dim=(1, 2, 3, 4)), torch.ones(2))
    assert torch.equal(weights[1], torch.ones_like(weights[1]))
    assert weights[0, 0, 2, 0, 0] == weights[0].max() == weights[0, 0, 2, 1, 1]  # its neighbours too
    assert float(weights[0].max() / weights[0].min()) == pytest.approx(7.0)
    assert torch.equal(motion_weights(video, 0.0), torch.ones_like(weights))


def test_a_given_first_frame_is_clean_and_not_judged():
    clean, noise = random_clips(2)
    clips = add_noise(
        clean,
        noise,
        sigma=torch.full((2,), 0.5),
        tasks=torch.zeros(2, dtype=torch.long),
        first_frame=torch.tensor([True, False]),
        motion_weight=6.0,
    )
    assert torch.equal(clips.latents.video[0, :, 0], clean.video[0, :, 0])
    assert clips.timesteps.video[0].tolist() == [0.0] + [500.0] * (VIDEO[1] - 1)
    assert clips.timesteps.video[1].tolist() == [500.0] * VIDEO[1]
    assert torch.allclose(clips.video_weight.mean(dim=(1, 2, 3, 4)), torch.ones(2))
    wrong = clips.targets.video.clone()
    wrong[:, :, 0] += 1.0
    losses = clip_losses(Streams(wrong, clips.targets.audio), clips).video
    assert losses[0] == 0.0 and losses[1] > 0.0


def test_sound_alone_has_no_video_loss():
    clean, noise = random_clips(2)
    alone = Streams(None, clean.audio), Streams(None, noise.audio)
    clips = add_noise(*alone, sigma=torch.full((2,), 0.5), tasks=torch.zeros(2, dtype=torch.long))
    assert isinstance(clips, NoisyClips) and clips.latents.video is None
    assert clip_losses(Streams(None, noise.audio), clips).video.tolist() == [0.0, 0.0]


def test_noise_levels_follow_their_density():
    rng = np.random.default_rng(0)
    drawn = np.concatenate([draw_sigmas(32, LossConfig(std=1.1), rng) for _ in range(200)])
    logits = np.log(drawn / (1 - drawn))
    assert abs(logits.mean()) < 0.03 and abs(logits.std() - 1.1) < 0.03
    assert shift_sigma(torch.tensor([0.0, 0.5, 1.0]), 5.0).tolist() == pytest.approx([0.0, 5 / 6, 1.0])
    uniform = np.sort(draw_sigmas(10, LossConfig(density="uniform"), rng))
    assert (np.floor(uniform * 10) == np.arange(10)).all()  # one in each tenth


# -- conditions ----------------------------------------------------------------------------------


def test_conditions_are_hidden_as_often_as_the_config_says():
    config, scene, rng = ConditionConfig(), speaking(3), np.random.default_rng(0)
    voice = np.zeros((6, 8))
    for task in Task:
        shares = getattr(config, task.name.lower())
        shown = [choose_shown(scene, task, config, rng, reference=voice) for _ in range(600)]
        seen = 1 - shares.drop_all_text
        for field, expected in (
            ("video_caption", seen * (1 - shares.drop_video_caption)),
            ("audio_caption", seen * (1 - shares.drop_audio_caption)),
            ("transcript", seen * (shares.transcript[0] + shares.transcript[1])),
            ("schedule", seen * (shares.transcript[0] + shares.transcript[2])),
            ("reference", 1 - shares.drop_reference),
        ):
            share = np.mean([getattr(s, field) is not None for s in shown])
            assert abs(share - expected) < 0.07, (task, field)


def test_one_caption_can_serve_both_streams():
    config = ConditionConfig(one_caption=1.0)
    shown = [choose_shown(speaking(1), Task.JOINT, config, np.random.default_rng(s)) for s in range(40)]
    both = [s for s in shown if s.video_caption and s.audio_caption]
    assert both and all(s.video_caption == s.audio_caption for s in both)


def test_nothing_said_shows_no_transcript():
    scene = sample_scene(5, kind="drum")
    shown = [choose_shown(scene, Task.JOINT, ConditionConfig(), np.random.default_rng(s)) for s in range(20)]
    assert all(s.transcript is None and s.schedule is None and s.reference is None for s in shown)


# -- caches and batches --------------------------------------------------------------------------


def test_a_cache_grows_while_it_is_read(home):
    folder = home / "latents" / "train"
    cache = LatentCache(folder)
    assert len(cache) == 8 and {group: len(clips) for group, clips in cache.groups.items()} == {
        "ambient": 4,
        "speech": 4,
    }
    half_written = folder / "shards" / ".b.123"
    half_written.mkdir()
    assert cache.refresh() == 0
    add_shard(folder, range(8, 12), "b")
    assert cache.refresh() == 4 and cache.refresh() == 0
    expected = encoded(9, "speech")
    assert np.array_equal(cache.latents("video", [9])[0], expected.video.astype(np.float16))
    assert np.array_equal(cache.reference(9, same_clip=False), expected.reference_other.astype(np.float16))
    assert cache.clips[9].scene == expected.scene
    assert cache.reference(8, same_clip=True) is None
    with pytest.raises(FileExistsError, match="already has"):
        add_shard(folder, range(8, 12), "b")


def test_a_cache_refuses_latents_of_other_codecs(home):
    other = replace(INFO, fingerprint=(0.0, 1.5))
    with pytest.raises(ValueError, match="other codecs"):
        create_cache(home / "latents" / "train", other, np.zeros(AUDIO))


def test_clips_of_the_world_are_rendered_encoded_and_found_again(tmp_path):
    encoder = Encoder(
        PatchVideoCodec.micro(), MelAudioCodec.micro(), TIMELINE, height=32, width=32, reference_seconds=0.5
    )
    lines: list[str] = []
    assert fill_cache(tmp_path, encoder, range(3), kinds=["drum", "lamp"], shard_size=2, report=lines.append) == 3
    assert fill_cache(tmp_path, encoder, range(3), kinds=["drum", "lamp"], shard_size=2, report=lines.append) == 0
    assert lines[-1].endswith("there already")
    cache = LatentCache(tmp_path)
    assert [clip.kind for clip in cache.clips] == ["drum", "lamp", "drum"]
    assert cache.latents("video", [0, 2]).shape == (2, 4, 9, 4, 4)
    assert cache.latents("audio", [1]).shape == (1, *AUDIO)
    assert cache.silence.shape == AUDIO
    with pytest.raises(ValueError, match="no scene kind"):
        fill_cache(tmp_path, encoder, range(3), kinds=["unicorn"])


def test_each_epoch_shows_every_clip_once(home):
    cache = LatentCache(home / "latents" / "train")
    sampler = ClipSampler(cache, DataConfig(mix={"ambient": 0.5, "speech": 0.5}), seed=0)
    rng = np.random.default_rng(0)
    first, second = (sampler.draw(8, rng) for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(8)) and first != second
    state = json.loads(json.dumps(sampler.state()))
    other = ClipSampler(cache, DataConfig(mix={"ambient": 0.5, "speech": 0.5}), seed=0)
    other.load_state(state)
    assert sampler.draw(3, np.random.default_rng(1)) == other.draw(3, np.random.default_rng(1))


def test_anchor_clips_are_silent_and_still(home):
    config = micro("tasks.anchor_share=1.0")
    cache = LatentCache(home / "latents" / "train")
    batch = BatchMaker(cache, CaptionTokenizer.from_words(["drum"]), config).make(0)
    assert not batch.clean.audio.any()
    later = batch.clean.video[:, :, 1:]
    assert torch.equal(later, later[:, :, :1].expand_as(later))
    shown = batch.passes[0].conditions
    assert shown.transcript_ids is None and shown.timing is None
    assert not shown.caption_mask[len(batch.sigma) :].any()  # the sound has no caption


def test_errors_in_the_background_reach_the_training():
    def broken(number: int):
        raise RuntimeError("the disk is gone")

    with Prefetcher(broken, 0) as stream, pytest.raises(RuntimeError, match="disk is gone"):
        stream.get()


# -- weights -------------------------------------------------------------------------------------


def test_flat_weights_train_like_torchs_own_adamw():
    torch.manual_seed(0)
    models = [nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 2)) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    names = {name for name, _ in models[0].named_parameters() if not name.startswith("2.")}
    flat = FlatWeights(models[0], dtype=torch.float32, trained=names)
    optimizer = flat.adamw(lr=0.1, betas=(0.9, 0.95), weight_decay=0.5)
    learning = [p for n, p in models[1].named_parameters() if n in names]
    plain = torch.optim.AdamW(
        [
            {"params": [p for p in learning if p.ndim > 1], "weight_decay": 0.5},
            {"params": [p for p in learning if p.ndim == 1], "weight_decay": 0.0},
        ],
        lr=0.1,
        betas=(0.9, 0.95),
    )
    for step in range(3):
        x = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
        flat.zero_grads()
        models[0](x).square().mean().backward()
        norm = flat.clip_grads(0.05)
        optimizer.step()
        plain.zero_grad()
        models[1](x).square().mean().backward()
        expected = nn.utils.clip_grad_norm_(learning, 0.05)
        plain.step()
        assert float(norm) == pytest.approx(float(expected), rel=1e-5)
    for (name, mine), theirs in zip(models[0].named_parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6), name


def test_bfloat16_copies_follow_float32_masters():
    model = nn.Linear(2, 2, bias=False)
    flat = FlatWeights(model, dtype=torch.bfloat16, trained={"weight"})
    assert model.weight.dtype == torch.bfloat16 and model.weight.grad.dtype == torch.bfloat16
    optimizer = flat.adamw(lr=1e-5, betas=(0.9, 0.95), weight_decay=0.0)
    before = flat.named(flat.masters)["weight"].clone()
    for _ in range(5):  # steps far below bfloat16's resolution add up in the masters
        flat.zero_grads()
        model(torch.ones(1, 2, dtype=torch.bfloat16)).sum().backward()
        flat.clip_grads(1.0)
        optimizer.step()
        flat.publish()
    after = flat.named(flat.masters)["weight"]
    assert torch.allclose(before - after, torch.full_like(before, 5e-5), rtol=1e-2)
    assert torch.equal(model.weight, after.to(torch.bfloat16))


def test_moving_average_in_closed_form():
    average = MovingAverage(torch.zeros(1), highest=0.999)
    expected, values = 0.0, [1.0, -2.0, 5.0, 3.0]
    for step, value in enumerate(values):
        average.update(torch.tensor([value]), step=step)
        decay = (1 + step) / (10 + step)
        expected = decay * expected + (1 - decay) * value
    assert float(average.average) == pytest.approx(expected, rel=1e-6)
    assert ema_decay(0, 0.999) == pytest.approx(0.1) and ema_decay(10**6, 0.999) == 0.999


def test_learning_rate_rises_holds_and_falls():
    config = replace(TrainingConfig(name="x").optimizer, lr=1.0, warmup_steps=10, decay_share=0.5)
    rates = [learning_rate(step, config, total=100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == rates[50] == 1.0
    assert rates[75] == pytest.approx(0.5) and rates[99] == pytest.approx(0.02)


def test_warm_start_keeps_words_by_name_and_reports_what_is_new():
    old_config = micro().model
    new_config = replace(old_config, changes={"num_layers": 3})
    torch.manual_seed(0)
    old = Trainee.build(old_config, CaptionTokenizer.from_words(["blue", "drum"]))
    new = Trainee.build(new_config, CaptionTokenizer.from_words(["ant", "blue", "cat", "drum"]))
    report = copy_weights(new, dict(old.named_parameters()), old.tokenizer)
    for word in ("blue", "drum"):
        rows = [m.text_encoder.word.weight[m.tokenizer.get_vocab()[word]] for m in (old, new)]
        assert torch.equal(*rows), word
    assert report.grown == ("text_encoder.word.weight",) and not report.unused
    # A last layer has no style path (nothing would read it), so the layer that was last gets a fresh one.
    new_parts = ("transformer.blocks.2.", "transformer.blocks.1.style.")
    assert report.fresh and all(name.startswith(new_parts) for name in report.fresh)
    taken = dict(new.named_parameters())["transformer.blocks.1.a2v.to_k.weight"]
    assert torch.equal(taken, old.transformer.blocks[1].a2v.to_k.weight)


# -- runs ----------------------------------------------------------------------------------------

STAGES = {
    "stage1": ("streams=audio", "conditions.reference=same_clip"),
    "stage2": ("streams=audio", "conditions.reference=other_clip"),
    "stage3-sampled": ("streams=both",),
    "stage3-literal": ("streams=both", "tasks.cross_task=literal", "loss.shift=5.0"),
    "stage3-bfloat16": ("streams=both", "run.precision=bfloat16", "loss.first_frame_batches=1.0"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_takes_two_steps(home, stage):
    config = micro(f"name={stage}", "run.steps=2", "conditions.reference_batches=1.0", *STAGES[stage])
    trainer = train(config)
    assert trainer.progress.step == 2 and trainer.progress.samples == 8
    lines = [json.loads(line) for line in (trainer.folder / "log.jsonl").read_text().splitlines()]
    losses = lines[0]["losses"]
    validation = lines[-1]["validation"]
    if "streams=audio" in STAGES[stage]:
        assert set(losses) == {"joint.audio"} and "joint.video" not in validation
    else:
        assert {"joint.video", "joint.audio", "video_driven_audio.audio", "audio_driven_video.video"} <= set(validation)
        assert {"joint.video", "joint.audio"} <= set(losses)
    assert all(np.isfinite(value) for value in (*losses.values(), *validation.values()))
    masters, average = (read_part(trainer.folder, part) for part in ("master", "ema"))
    assert any(not torch.equal(masters[name], average[name]) for name in masters)


def test_sound_alone_leaves_the_picture_untouched(home):
    config = micro("name=alone", "streams=audio", "run.steps=2", "optimizer.weight_decay=0.5")
    before = {n: p.clone() for n, p in Trainer(config, report=lambda line: None).model.named_parameters()}
    after = dict(train(config).model.named_parameters())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("transformer.audio.") for name in moved)
    assert any(name.startswith("text_encoder.") for name in moved)
    assert not any(".video." in name or ".a2v." in name or ".v2a." in name or ".style." in name for name in moved)


def test_a_stopped_training_goes_on_bit_for_bit(home):
    options = ("run.steps=4", "conditions.reference_batches=0.5", "loss.first_frame_batches=0.5")
    whole = train(micro("name=whole", *options))
    train(micro("name=parts", *options), stop=_after_steps(2))
    assert read_progress(home / "runs" / "parts").step == 2
    parts = train(micro("name=parts", *options))
    assert parts.progress.step == 4
    for part in ("master", "ema", "exp_avg", "exp_avg_sq"):
        one, other = read_part(whole.folder, part), read_part(parts.folder, part)
        assert one.keys() == other.keys() and one
        for name in one:
            assert torch.equal(one[name], other[name]), (part, name)


class _after_steps(threading.Event):  # noqa: N801  (reads as a condition)
    """A stop that is wanted after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_run_starts_from_another_ones_average(home):
    first = train(micro("name=first", "streams=audio", "run.steps=2"))
    second = Trainer(micro("name=second", "init_from=first"), report=lambda line: None)
    average = read_part(first.folder, "ema")
    for name, parameter in second.model.named_parameters():
        assert torch.equal(parameter, average[name]), name
    with pytest.raises(FileNotFoundError, match="no run and no checkpoint"):
        warm_start(second.model, "nowhere")


def test_another_model_under_the_same_name_is_refused(home):
    train(micro("name=same", "run.steps=1"))
    with pytest.raises(ValueError, match="another model"):
        Trainer(micro("name=same", "model.changes={num_layers: 3}"), report=lambda line: None)


@pytest.mark.parametrize("path", sorted(CONFIG_FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_configuration_that_comes_along_can_be_read(path):
    config = TrainingConfig.load(path)
    assert config.model.harmony_config().num_layers > 0
    assert task_weights(config.tasks)[1:] == pytest.approx(
        tuple(w / p for w, p in zip((0.1, 0.3), config.tasks.probabilities[1:], strict=True))
    )


def test_unknown_entries_are_named():
    with pytest.raises(ValueError, match=r"run\.stepz"):
        TrainingConfig.load("micro", ["run.stepz=3"])
    with pytest.raises(FileNotFoundError, match="tiny-stage3"):
        TrainingConfig.load("nothing")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_train_together(home):
    """The same command under a launcher: averaged gradients, one log, one state with both positions."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    changes = ["data.mix={ambient: 1, speech: 1}", "run.steps=3", "name=two"]
    command = [*launch, "-m", "harmony.training", "run", "micro", *(f"--set={change}" for change in changes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stderr
    progress = read_progress(home / "runs" / "two")
    assert (progress.step, progress.samples, len(progress.positions)) == (3, 3 * 2 * 4, 2)
    steps = [json.loads(line)["step"] for line in (home / "runs" / "two" / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 3]
