"""Training: latent caches, batches, and with which conditions clips are shown."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from caches import AUDIO, INFO, TIMELINE, add_shard, encoded, micro, speaking

from harmony.data.cache import LatentCache, create_cache
from harmony.data.fill import Encoder, fill_cache
from harmony.data.world import sample_scene
from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.models.text import CaptionTokenizer
from harmony.training.batches import BatchMaker, ClipSampler, few_latents, usable_clips
from harmony.training.conditions import choose_shown
from harmony.training.config import ConditionConfig, DataConfig
from harmony.training.tasks import Task


def test_conditions_are_hidden_as_often_as_the_config_says():
    config, scene, rng = ConditionConfig(), speaking(3), np.random.default_rng(0)
    voice = np.zeros((6, 8))
    for task in Task:
        shares = getattr(config, task.name.lower())
        shown = [choose_shown(scene, task, config, rng, reference=voice) for _ in range(300)]
        seen = 1 - shares.drop_all_text
        for field, expected in (
            ("video_caption", seen * (1 - shares.drop_video_caption)),
            ("audio_caption", seen * (1 - shares.drop_audio_caption)),
            ("transcript", seen * (shares.transcript[0] + shares.transcript[1])),
            ("schedule", seen * (shares.transcript[0] + shares.transcript[2])),
            ("reference", 1 - shares.drop_reference),
        ):
            share = np.mean([getattr(s, field) is not None for s in shown])
            assert abs(share - expected) < 0.09, (task, field)


def test_one_caption_can_serve_both_streams():
    config = ConditionConfig(one_caption=1.0)
    shown = [choose_shown(speaking(1), Task.JOINT, config, np.random.default_rng(s)) for s in range(40)]
    both = [s for s in shown if s.video_caption and s.audio_caption]
    assert both and all(s.video_caption == s.audio_caption for s in both)


def test_nothing_said_shows_no_transcript():
    scene = sample_scene(5, kind="drum")
    shown = [choose_shown(scene, Task.JOINT, ConditionConfig(), np.random.default_rng(s)) for s in range(20)]
    assert all(s.transcript is None and s.schedule is None and s.reference is None for s in shown)


# -- caches and batches ------------------------------------------------------------


def test_few_latents_are_the_first_and_others_in_their_order():
    video = torch.arange(9.0).expand(2, 5, 3, 3, 9).movedim(-1, 2)  # latent t holds t
    drawn = [few_latents(video, 4, np.random.default_rng(seed))[:, 0, :, 0, 0] for seed in range(30)]
    assert all(times.shape == (2, 4) and (times[:, 0] == 0).all() and (times.diff() > 0).all() for times in drawn)
    assert len({tuple(row.tolist()) for times in drawn for row in times}) > 10
    assert few_latents(video, 9, np.random.default_rng(0)) is video


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
    assert np.array_equal(cache.latents("video", cache.clips[9:10])[0], expected.video.astype(np.float16))
    assert np.array_equal(cache.reference(cache.clips[9], same_clip=False), expected.reference_other.astype(np.float16))
    assert cache.clips[9].scene == expected.scene
    assert cache.reference(cache.clips[8], same_clip=True) is None
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
    options = dict(kinds=["drum", "lamp"], shard_size=2, report=lines.append)
    assert fill_cache(tmp_path, encoder, range(1), **options) == 1
    assert fill_cache(tmp_path, encoder, range(3), **options) == 2  # only what is missing
    assert fill_cache(tmp_path, encoder, range(3), **options) == 0
    assert [line.split(":")[0] for line in lines] == [
        f"train-{start:09d}-{start + 1:09d}-drum+lamp" for start in range(3)
    ]
    cache = LatentCache(tmp_path)
    assert [clip.kind for clip in cache.clips] == ["drum", "lamp", "drum"]
    assert cache.latents("video", [cache.clips[0], cache.clips[2]]).shape == (2, 4, 9, 4, 4)
    assert cache.latents("audio", cache.clips[1:2]).shape == (1, *AUDIO)
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
    maker = BatchMaker(cache, CaptionTokenizer.from_words(["drum"]), config)
    batch = maker[next(maker.draws(0))]
    assert not batch.clean.audio.any()
    later = batch.clean.video[:, :, 1:]
    assert torch.equal(later, later[:, :, :1].expand_as(later))
    shown = batch.passes[0].conditions
    assert shown.transcript_ids is None and shown.timing is None
    assert not shown.caption_mask[len(batch.sigma) :].any()  # the sound has no caption


def test_processes_make_the_batches_that_one_process_would_make(home):
    """Also of clips that came after the processes had started."""
    cache = LatentCache(home / "latents" / "train")
    config = micro("run.batch_size=6", "run.workers=2")

    def stream(workers: int):
        settings = replace(config, run=replace(config.run, workers=workers))
        maker = BatchMaker(LatentCache(home / "latents" / "train"), CaptionTokenizer.from_words(["drum"]), settings)
        return maker.stream(3, device=torch.device("cpu"), refresh=lambda: maker.cache.refresh())

    apart = stream(2)
    first = next(apart)
    add_shard(home / "latents" / "train", range(8, 24), "b")
    seen = [next(apart) for _ in range(12)]
    assert max(max(w["size"] for w in batch.position.values()) for batch in seen) > len(cache) // 2
    alone = next(stream(0))
    assert alone.sigma.equal(first.sigma) and alone.noise_seed == first.noise_seed
    assert alone.clean.audio.dtype == torch.float32


def test_processes_that_wait_for_each_other_get_batches_that_cost_alike(home):
    cache = LatentCache(home / "latents" / "train")
    makers = [BatchMaker(cache, CaptionTokenizer.from_words(["drum"]), micro(), rank=rank) for rank in (0, 1)]
    costs, seeds = [], []
    for number in range(12):
        batches = [maker[next(maker.draws(number))] for maker in makers]
        plans = [batch.passes[0] for batch in batches]
        lengths = [0 if p.conditions.reference is None else p.conditions.reference.shape[-1] for p in plans]
        costs.append([(plan.first_frame is None, length) for plan, length in zip(plans, lengths, strict=True)])
        seeds.append([batch.noise_seed for batch in batches])
    assert all(one == other for one, other in costs) and len({one for one, _ in costs}) > 3
    assert all(one != other for one, other in seeds)


def test_only_the_kinds_that_are_trained_are_drawn(home):
    cache = LatentCache(home / "latents" / "train")
    everything = DataConfig(mix={"ambient": 0.5, "speech": 0.0})
    assert usable_clips(cache, everything, "ambient") == cache.groups["ambient"]
    assert usable_clips(cache, everything, "speech") == usable_clips(cache, everything, "complex") == []
    without = replace(everything, exclude_kinds=("drum",))
    with pytest.raises(ValueError, match="no clips"):
        ClipSampler(cache, without, seed=0).draw(2, np.random.default_rng(0))


def test_a_training_goes_on_with_fewer_clips_than_before(home):
    cache = LatentCache(home / "latents" / "train")
    before = ClipSampler(cache, DataConfig(mix={"ambient": 0.5, "speech": 0.5}), seed=0)
    before.draw(6, np.random.default_rng(0))
    state = before.state()
    for walk in state.values():  # the cache was twice as large then
        walk.update(size=2 * walk["size"], position=2 * walk["size"] - 1)
    after = ClipSampler(cache, DataConfig(mix={"ambient": 0.5, "speech": 0.5}), seed=0)
    after.load_state(state)
    assert sorted(after.draw(8, np.random.default_rng(1))) == list(range(8))
