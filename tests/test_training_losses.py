"""Training: cross-task losses, noise, and what is given clean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from caches import AUDIO, VIDEO
from toys import SpyModel, conditions

from harmony.models.conditioning import Streams
from harmony.training.config import LossConfig, TaskConfig
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


def random_clips(batch: int = 3, seed: int = 0) -> tuple[Streams, Streams]:
    g = torch.Generator().manual_seed(seed)
    clean, noise = (
        Streams(torch.randn(batch, *VIDEO, generator=g), torch.randn(batch, *AUDIO, generator=g)) for _ in range(2)
    )
    return clean, noise


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
    for task in Task:
        alone = TaskConfig(cross_task=task.name.lower())
        assert [set(tasks.tolist()) for tasks in draw_tasks(4, alone, np.random.default_rng(0))] == [{task}]
        assert task_weights(alone) == (1.0, 1.0, 1.0)


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
    noisiest = np.concatenate([draw_sigmas(100, LossConfig(noisiest_share=0.5, shift=0.1), rng) for _ in range(20)])
    assert abs((noisiest > 0.97).mean() - 0.5) < 0.05 and noisiest.max() <= 1
