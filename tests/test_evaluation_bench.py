"""Clips in batches, judges that learn, and whole evaluations of a random model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from harmony.batch import generate_batch, stack_conditioning
from harmony.data.world import KINDS
from harmony.evaluation import __main__ as command
from harmony.evaluation import clips as making
from harmony.evaluation.bench import JUDGES, Bench, Judges
from harmony.evaluation.cases import Case
from harmony.evaluation.classifier import SceneClassifier
from harmony.evaluation.clips import wish_of
from harmony.evaluation.detectors import HeardEventDetector, SeenEventDetector
from harmony.evaluation.examples import recode_frames, render_examples
from harmony.evaluation.metrics.sound_classifier import SoundClassifier
from harmony.evaluation.metrics.syncnet import WorldSyncNet
from harmony.evaluation.metrics.world_words import WorldRecogniser
from harmony.evaluation.report import GROUPS, run
from harmony.evaluation.train import quality, train_all
from harmony.guidance import GuidanceTerm
from harmony.models.codecs.video import PatchVideoCodec
from harmony.models.conditioning import Conditioning
from harmony.pipeline import HarmonyPipeline
from harmony.timeline import Timeline

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "assets" / "harmony-tiny"


@pytest.fixture(scope="module")
def pipe():
    pipe = HarmonyPipeline.micro()
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def judges(tmp_path_factory):
    """Random judges, in a folder as they are shipped."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("judges")
    SeenEventDetector(size=16, width=4).save_pretrained(folder / "seen")
    HeardEventDetector(width=8).save_pretrained(folder / "heard")
    classes = {"kind": sorted(KINDS), "colour": ["blue", "red"], "size": ["big", "small"]}
    SceneClassifier(classes=classes, width=2).save_pretrained(folder / "scene")
    SceneClassifier(classes={"kind": sorted(KINDS), "colour": ["blue", "red"]}, width=2).save_pretrained(
        folder / "glimpse"
    )
    SoundClassifier(kinds=sorted(KINDS), width=4).save_pretrained(folder / "sound")
    WorldSyncNet(width=2, dim=8).save_pretrained(folder / "sync")
    WorldRecogniser(vocabulary=["hello", "你好"], width=4).save_pretrained(folder / "words")
    return folder


@pytest.mark.parametrize("way", ["joint", "audio_to_video", "video_to_audio", "image_to_clip"])
def test_clips_made_together_are_the_clips_made_alone(pipe, way):
    wishes = [wish_of(case, way, pipe.timeline) for case in (Case("lamp", 1), Case("face", 2), Case("drum", 0))]
    together = generate_batch(pipe, wishes)
    for wish, clip in zip(wishes, together, strict=True):
        alone = pipe(**wish)
        assert clip.request == alone.request
        assert np.abs(clip.frames.astype(int) - alone.frames.astype(int)).max() <= 1
        np.testing.assert_allclose(clip.waveform, alone.waveform, atol=2e-3)
    assert not np.array_equal(together[0].frames, together[2].frames) or way == "video_to_audio"


def test_clips_of_different_tasks_are_not_made_together(pipe):
    wishes = [wish_of(Case("lamp", 0), way, pipe.timeline) for way in ("joint", "video_to_audio")]
    with pytest.raises(ValueError, match="one task"):
        generate_batch(pipe, wishes)


def test_conditions_of_unequal_length_are_stacked_under_masks():
    short = Conditioning(video_caption=torch.ones(1, 2, 4), video_caption_mask=torch.ones(1, 2, dtype=torch.bool))
    long = Conditioning(
        video_caption=torch.ones(1, 5, 4), video_caption_mask=torch.ones(1, 5, dtype=torch.bool),
        reference=torch.ones(1, 3, 7), reference_mask=torch.ones(1, 7, dtype=torch.bool),
    )  # fmt: skip
    both = stack_conditioning([short, long])
    assert both.video_caption_mask.sum(1).tolist() == [2, 5]
    assert both.reference.shape == (2, 3, 7) and both.reference_mask.sum(1).tolist() == [0, 7]
    assert both.transcript is None


def test_an_evaluation_measures_every_figure_or_says_why_not(pipe, judges, tmp_path, monkeypatch):
    bench = Bench(
        pipe, Judges.load(judges), tmp_path / "clips", sheet=tmp_path / "sheet.png", per_kind=2,
        kinds=("lamp", "face"), tell=lambda line: None,
    )  # fmt: skip
    out = tmp_path / "figures.json"
    groups = [group for group in GROUPS if group != "speed"]
    run(bench, groups=groups, out=out)
    record = json.loads(out.read_text())
    names = {name for group in groups for name in GROUPS[group][1]}
    assert set(record["figures"]) | set(record.get("not_measured", {})) == names
    assert {"joint_f1", "a2v_f1", "face_lag_hit", "scene_accuracy", "attention_pointing"} <= set(record["figures"])
    assert record["not_measured"]["active_speaker"] == "none of the requests shows two faces"
    assert record["figures"]["joint_f1"]["clips"] == 2
    assert (tmp_path / "sheet.png").is_file()

    # The clips are there: judged again from their files, nothing is made.
    monkeypatch.setattr(making, "generate_batch", lambda *_, **__: pytest.fail("a clip was made again"))
    again = Bench(pipe, bench.judges, tmp_path / "clips", per_kind=2, kinds=("lamp", "face"), tell=lambda line: None)
    figures = run(again, groups=["joint"], out=out)
    assert figures["joint_f1"].to_dict() == record["figures"]["joint_f1"]
    assert set(json.loads(out.read_text())["figures"]) == set(record["figures"])


def test_clips_of_another_guidance_are_other_clips(pipe, judges, tmp_path):
    bench = Bench(pipe, Judges.load(judges), tmp_path)
    before, guidance = bench.model_fingerprint, pipe.guidance
    try:
        pipe.guidance = type(guidance)(terms=(GuidanceTerm("sync", 3.0, 3.0),))
        assert Bench(pipe, bench.judges, tmp_path).model_fingerprint != before
    finally:
        pipe.guidance = guidance
    assert Bench(pipe, bench.judges, tmp_path).model_fingerprint == before


def test_the_command_measures_and_sweeps(judges, tmp_path):
    common = ["--model", "micro", "--judges", str(judges), "--kind", "lamp", "--per-kind", "2"]
    out = tmp_path / "figures.json"
    options = [*common, "--clips", str(tmp_path / "a"), "--out", str(out), "--group", "driven", "--group", "sheet"]
    result = CliRunner().invoke(command.app, options)
    assert result.exit_code == 0, result.output
    assert "v2a_f1" in result.output and out.is_file()
    swept = CliRunner().invoke(command.app, ["sweep", *common, "--clips", str(tmp_path / "b"), "--scale", "2"])
    assert swept.exit_code == 0, swept.output
    assert swept.output.splitlines()[-1].split()[0] == "2.00"
    assert (tmp_path / "b" / "sync-2.png").is_file()


def test_the_command_names_what_there_is(judges):
    result = CliRunner().invoke(command.app, ["--model", "micro", "--group", "nonsense"])
    assert result.exit_code != 0 and "nonsense" in result.output
    with pytest.raises(FileNotFoundError, match=r"harmony\.evaluation\.train"):
        Judges.load(judges / "nowhere")


def test_the_codec_leaves_pictures_nearly_as_they_were():
    frames = render_examples(range(2), Timeline(), kinds=("lamp",)).frames
    codec = PatchVideoCodec(decoder_channels=())
    recoded = recode_frames(frames, codec, torch.Generator().manual_seed(0), error=0.0)
    assert recoded.dtype == torch.uint8 and recoded.shape == frames.shape
    assert (recoded.float() - frames.float()).abs().mean() < 10
    worse = recode_frames(frames, codec, torch.Generator().manual_seed(0), error=2.0)
    assert (worse.float() - frames.float()).abs().mean() > (recoded.float() - frames.float()).abs().mean()


def test_judges_learn(pipe):
    examples = render_examples(range(8), Timeline(), kinds=("lamp", "drum"))
    examples = examples.with_codecs(pipe.video_codec, pipe.audio_codec)
    judges = train_all(examples, steps=3, batch_size=4)
    scores = quality(judges, examples)
    assert set(scores) == {"seen", "heard", "seen, codec", "heard, codec", "scene", "glimpse", "sound"}
    assert set(scores["seen"]) == {"lamp", "drum"}
    assert 0 <= scores["scene"]["kind"] <= 1


@pytest.mark.slow
@pytest.mark.skipif(not (SHIPPED.is_dir() and JUDGES.is_dir()), reason="the weights do not ship with this checkout")
def test_shipped_weights_are_in_time(tmp_path):
    pipe = HarmonyPipeline.from_pretrained(SHIPPED, precision="auto")
    pipe.set_progress_bar_config(disable=True)
    bench = Bench(pipe, Judges.load(), tmp_path, per_kind=4, kinds=("lamp", "drum", "bell"))
    figures = run(bench, groups=["detectors", "driven", "joint"], out=tmp_path / "figures.json")
    assert figures["detector_f1_seen"].value > 0.9 and figures["detector_f1_heard"].value > 0.9
    assert figures["v2a_f1"].value > 0.6 and figures["a2v_f1"].value > 0.6
    assert figures["joint_f1"].value > figures["joint_f1_shuffled"].value + 0.2


def test_a_folder_that_lacks_a_judge_says_which(judges, tmp_path):
    for name in ("seen", "heard", "scene"):
        (tmp_path / name).symlink_to(judges / name)
    with pytest.raises(FileNotFoundError, match="lacks the judges glimpse, sound, sync, words; take those of"):
        Judges.load(tmp_path)
    told = CliRunner().invoke(command.app, ["--model", "micro", "--judges", str(tmp_path)])
    assert told.exit_code == 2 and "lacks" in told.output and "glimpse" in told.output
