"""Training: the three stages, runs that stop and go on, configurations."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from caches import TIMELINE, micro, train
from typer.testing import CliRunner

from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.pipeline import HarmonyPipeline
from harmony.training.checkpoint import read_part, read_progress
from harmony.training.commands import app
from harmony.training.config import CONFIG_FOLDER, TrainingConfig
from harmony.training.export import export_run
from harmony.training.tasks import task_weights
from harmony.training.trainer import Trainer
from harmony.training.warmstart import warm_start

STAGES = {
    "stage1": ("streams=audio", "conditions.reference=same_clip"),
    "stage2": ("streams=audio", "conditions.reference=other_clip"),
    "captions": ("streams=video", "data.video_latents=3", "loss.first_frame_batches=0"),
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
    elif "streams=video" in STAGES[stage]:
        assert set(losses) == {"joint.video"} and "joint.video@1.0" in validation and "joint.audio" not in validation
    else:
        assert {"joint.video", "joint.audio", "video_driven_audio.audio", "audio_driven_video.video"} <= set(validation)
        assert {"joint.video", "joint.audio"} <= set(losses)
    assert all(np.isfinite(value) for value in (*losses.values(), *validation.values()))
    masters, average = (read_part(trainer.folder, part) for part in ("master", "ema"))
    assert any(not torch.equal(masters[name], average[name]) for name in masters)


@pytest.mark.parametrize(
    ("stream", "untouched"),
    [
        ("audio", (".video.", ".a2v.", ".v2a.", ".style.", "cross_time")),
        ("video", (".audio.", ".a2v.", ".v2a.", ".style.", "cross_time", "transcript_encoder.")),
    ],
)
def test_one_stream_alone_leaves_the_other_untouched(home, stream, untouched):
    config = micro("name=alone", f"streams={stream}", "run.steps=2", "optimizer.weight_decay=0.5")
    before = {n: p.clone() for n, p in Trainer(config, report=lambda line: None).model.named_parameters()}
    after = dict(train(config).model.named_parameters())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith(f"transformer.{stream}.") for name in moved)
    assert any(name.startswith("text_encoder.") for name in moved)
    assert not [name for name in moved if any(part in name for part in untouched)]


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


def test_a_run_can_start_from_the_weighted_mean_of_two_others(home):
    runs = [train(micro(f"name={name}", "run.steps=2", f"seed={seed}")) for seed, name in enumerate(("one", "other"))]
    one, other = (read_part(run.folder, "ema") for run in runs)
    options = ("name=mean", "init_from=one", "init_other=other", "init_other_share=0.25")
    for name, parameter in Trainer(micro(*options), report=lambda line: None).model.named_parameters():
        torch.testing.assert_close(parameter, 0.75 * one[name] + 0.25 * other[name], msg=name)


def test_an_exported_run_opens_as_a_pipeline_and_starts_another_run(home):
    run = train(micro("name=shown", "run.steps=1", "run.precision=float32"))
    PatchVideoCodec.micro().save_pretrained(str(home / "codecs" / "video"))
    MelAudioCodec.micro().save_pretrained(str(home / "codecs" / "audio"))
    export_run(run.folder, home / "export", dtype="fp32")
    average = read_part(run.folder, "ema")
    pipe = HarmonyPipeline.from_pretrained(home / "export")
    for name, parameter in pipe.transformer.named_parameters():
        assert torch.equal(parameter, average[f"transformer.{name}"]), name
    clip = pipe("a red drum is hit", transcript="hello", num_inference_steps=1, seed=1)
    assert clip.frames.shape == (TIMELINE.num_frames, 32, 32, 3)
    assert max(file.stat().st_size for file in (home / "export").rglob("*")) < 16e6
    pipe.register_to_config(pointing_heads=[[1, 0]])
    pipe.save_pretrained(home / "export")
    assert export_run(run.folder, home / "export", dtype="fp32").pointing == ((1, 0),), "named heads stay"
    again = Trainer(micro("name=again", f"init_from={home / 'export'}"), report=lambda line: None)
    assert all(torch.equal(p, average[name]) for name, p in again.model.named_parameters())


def test_held_out_losses_of_runs_are_told_beside_each_other(home, tmp_path):
    config = micro("name=shown", "run.steps=1", "run.precision=float32")
    told = train(config).validate()
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    found = tmp_path / "losses.json"
    clips = str(config.run.validation_clips)
    called = CliRunner().invoke(
        app, ["validate", "shown", "--config", str(tmp_path / "config.yaml"), "--clips", clips, "--out", str(found)]
    )
    assert called.exit_code == 0, called.output
    losses = json.loads(found.read_text())["losses"]["shown"]
    assert losses == {name: pytest.approx(value, abs=1e-4) for name, value in told.items() if "/" not in name}


def test_another_model_under_the_same_name_is_refused(home):
    train(micro("name=same", "run.steps=1"))
    with pytest.raises(ValueError, match="another model"):
        Trainer(micro("name=same", "model.changes={num_layers: 3}"), report=lambda line: None)


@pytest.mark.parametrize("path", sorted(CONFIG_FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_configuration_that_comes_along_can_be_read(path):
    config = TrainingConfig.load(path)
    assert config.model.harmony_config().num_layers > 0
    papers = tuple(w / p for w, p in zip((0.1, 0.3), config.tasks.probabilities[1:], strict=True))
    expected = papers if config.tasks.weighting == "exact" else (1.0, 1.0)
    assert task_weights(config.tasks)[1:] == pytest.approx(expected)


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
