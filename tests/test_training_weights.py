"""Training: flat weights, the moving average, the learning rate, warm starts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from caches import micro
from torch import nn

from harmony.models.text import CaptionTokenizer
from harmony.training.config import RunConfig, TrainingConfig
from harmony.training.curriculum import learning_rate, share_done
from harmony.training.ema import MovingAverage, ema_decay
from harmony.training.trainee import Trainee
from harmony.training.warmstart import copy_weights
from harmony.training.weights import FlatWeights


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
    rates = [learning_rate(step, config, done=share_done(step, 0.0, RunConfig(steps=100))) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == rates[50] == 1.0
    assert rates[75] == pytest.approx(0.5) and rates[99] == pytest.approx(0.02)
    lent = RunConfig(steps=100, total_minutes=10.0)
    assert share_done(20, 8.0, lent) == 0.8 and share_done(30, 1.0, lent) == 0.3 and share_done(0, 11.0, lent) == 1.0


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
