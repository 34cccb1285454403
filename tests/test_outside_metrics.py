"""The wrappers of public evaluators, against small stand-ins that have the real packages' signatures."""

from __future__ import annotations

import math
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.metrics.aesthetics import Aesthetics, ImageQuality
from harmony.evaluation.metrics.audiobox import AudioBox, SoundAesthetics
from harmony.evaluation.metrics.imagebind import ImageBind
from harmony.evaluation.metrics.synchformer import DeSync, picture_segments, sound_segments
from harmony.evaluation.metrics.whisper import Whisper, error_rate, units
from harmony.evaluation.words import wer_figure

PACKAGES = {
    ImageQuality: ("pyiqa", "create_metric"),
    Aesthetics: ("aesthetic_predictor_v2_5", "convert_v2_5_from_siglip"),
    AudioBox: ("audiobox_aesthetics.infer", "initialize_predictor"),
    ImageBind: ("imagebind.models.imagebind_model", "imagebind_huge"),
    DeSync: ("av_bench.synchformer.synchformer", "Synchformer"),
    Whisper: ("transformers", "pipeline"),
}


def install(monkeypatch, name: str, **members) -> None:
    """A module in the package's place, with its parents."""
    parts = name.split(".")
    for depth in range(1, len(parts)):
        parent = ".".join(parts[:depth])
        if not isinstance(sys.modules.get(parent), StandIn):
            monkeypatch.setitem(sys.modules, parent, StandIn(parent))
    module = StandIn(name)
    module.__dict__.update(members)
    monkeypatch.setitem(sys.modules, name, module)
    if len(parts) > 1:
        setattr(sys.modules[".".join(parts[:-1])], parts[-1], module)


class StandIn(ModuleType):
    __path__ = ()


class Network(nn.Module):
    """Calls a function where a network would compute."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer(x)


@pytest.mark.parametrize("wrapper", PACKAGES)
def test_a_missing_package_is_named(wrapper, monkeypatch) -> None:
    package = PACKAGES[wrapper][0].split(".")[0]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CannotMeasure, match=f"{package.replace('_', '.')}.* cannot be used .*pip install"):
        wrapper()


@pytest.mark.parametrize("wrapper", PACKAGES)
@pytest.mark.parametrize("error", [OSError("one.\ntwo."), RuntimeError("no connection")])
def test_weights_that_cannot_be_had_are_said_in_one_sentence(wrapper, error, monkeypatch) -> None:
    def fail(*_, **__):
        raise error

    name, loads = PACKAGES[wrapper]
    install(monkeypatch, "imagebind.data")
    install(monkeypatch, name, ModalityType=None, **{loads: fail})
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    with pytest.raises(
        CannotMeasure, match=rf"weights of .* cannot be loaded \({type(error).__name__}\); .* fetched"
    ) as said:
        wrapper()
    assert "\n" not in str(said.value)


def test_musiq_sees_frames_in_zero_to_one_and_is_scaled_to_one(monkeypatch) -> None:
    seen = []

    def create_metric(name, as_loss=False, device=None):
        assert (name, device) == ("musiq", torch.device("cpu"))
        return lambda x: seen.append(x) or 100 * x[:, :1].mean((2, 3))

    install(monkeypatch, "pyiqa", create_metric=create_metric)
    frames = np.zeros((11, 4, 6, 3), np.uint8)
    frames[..., 0] = np.arange(11)[:, None, None] * 25
    assert ImageQuality().score(frames) == pytest.approx(125 / 255)
    assert [tuple(x.shape) for x in seen] == [(8, 3, 4, 6), (3, 3, 4, 6)]
    with pytest.raises(CannotMeasure, match="no frames"):
        ImageQuality().score(frames[:0])


def test_the_aesthetic_predictor_gets_pictures_as_its_processor_takes_them(monkeypatch) -> None:
    def prepare(*, images, return_tensors):
        assert return_tensors == "pt" and all(x.shape == (4, 6, 3) and x.dtype == np.uint8 for x in images)
        return SimpleNamespace(pixel_values=torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float())

    model = Network(lambda x: SimpleNamespace(logits=x.mean((1, 2, 3))[:, None] / 10))
    install(monkeypatch, "aesthetic_predictor_v2_5", convert_v2_5_from_siglip=lambda: (model, prepare))
    frames = np.full((9, 4, 6, 3), 40, np.uint8)
    frames[8] = 76
    assert Aesthetics().score(frames) == pytest.approx((8 * 4.0 + 7.6) / 9 / 10)


def test_audiobox_gets_one_channel_and_its_rate(monkeypatch) -> None:
    def forward(batch):
        [clip] = batch
        assert clip["path"].shape == (1, 480) and clip["path"].dtype == torch.float32 and clip["sample_rate"] == 48_000
        return [{"CE": 1.0, "CU": 2.0, "PC": 3.0, "PQ": float(clip["path"].sum())}]

    predictor = SimpleNamespace(model=nn.Identity(), forward=forward)
    install(monkeypatch, "audiobox_aesthetics.infer", initialize_predictor=lambda ckpt=None: predictor)
    found = AudioBox().score(np.full(480, 1 / 64), sample_rate=48_000)
    assert found == SoundAesthetics(quality=7.5, complexity=3.0, enjoyment=1.0, usefulness=2.0)
    assert predictor.device == torch.device("cpu")


def test_imagebind_compares_directions_of_clips_made_as_its_loader_makes_them(monkeypatch) -> None:
    seen, heard = {}, []

    def mel(waveform, sample_rate, num_mel_bins, target_length):
        heard.append(waveform.clone())
        waveform -= waveform.mean()
        assert sample_rate == 16_000 and waveform.shape == (1, 32_000)
        return torch.full((1, num_mel_bins, target_length), -4.268 + 9.138)

    def forward(inputs):
        seen.update(inputs)
        answers = {"vision": [[3.0, 4.0]], "audio": [[20.0, 0.0]], "text": [[0.0, 100.0]]}
        return {kind: torch.tensor(answers[kind]) for kind in inputs}

    install(
        monkeypatch,
        "imagebind.data",
        waveform2melspec=mel,
        load_and_transform_text=lambda text, device: torch.full((len(text), 77), 7),
        ConstantClipsPerVideoSampler=lambda clip_duration, clips_per_video: (clip_duration, clips_per_video),
        get_clip_timepoints=lambda made, seconds: [
            (start, start + made[0]) for start in np.linspace(0, seconds - made[0], made[1])
        ],
        SpatialCrop=lambda size, num_crops: (
            lambda clips: [x[..., :size, :size] for x in clips for _ in range(num_crops)]
        ),
    )
    install(
        monkeypatch,
        "imagebind.models.imagebind_model",
        ModalityType=SimpleNamespace(VISION="vision", AUDIO="audio", TEXT="text"),
        imagebind_huge=lambda pretrained: Network(forward),
    )
    frames = np.zeros((60, 28, 56, 3), np.uint8) + np.arange(60, dtype=np.uint8)[:, None, None, None]
    ramp = np.arange(24_000 * 6) / 1e6
    model = ImageBind()
    assert model.picture_sound(frames, ramp, frame_rate=10.0, sample_rate=24_000) == pytest.approx(0.6)
    assert seen["vision"].shape == (1, 15, 3, 2, 224, 224) and seen["audio"].shape == (1, 3, 1, 128, 204)
    blue = seen["vision"][0, ::3, 2, :, 0, 0] * 0.27577711 + 0.40821073
    assert (blue * 255).tolist() == [pytest.approx([start, start + 19], abs=1e-3) for start in (0, 10, 20, 30, 40)]
    assert torch.allclose(seen["audio"], torch.ones(1)) and all(len(set(x[0].tolist())) > 1 for x in heard)
    assert [float(x[0, 16_000]) for x in heard] == pytest.approx([24e-3 * (1 + s) for s in (0, 2, 4)], rel=1e-3)
    assert model.sound_text(ramp, "rain", sample_rate=24_000) == pytest.approx(0.0)
    assert seen["text"].shape == (1, 77)


class FakeSynchformer(nn.Module):
    """Says that a picture of brightness -1 is a second early, and one of +1 a second late."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(()))

    def extract_vfeats(self, vis):
        assert vis.shape == (14, 1, 16, 3, 224, 224)
        return vis.mean((3, 4, 5))[..., None]

    def extract_afeats(self, aud):
        assert aud.shape == (1, 14, 1, 128, 66)
        return aud.mean((2, 3))[..., None]

    def compare_v_a(self, vis, aud):
        assert vis.shape == (1, 14, 16, 1) and aud.shape[:2] == (1, 14)
        return torch.eye(21)[10 + round(float(self.scale.nan_to_num() * vis.mean()))][None] * self.scale


def test_desync_is_the_mean_distance_of_both_ends(monkeypatch, tmp_path) -> None:
    install(monkeypatch, "av_bench.synchformer.synchformer", Synchformer=FakeSynchformer)
    torch.save({"scale": torch.tensor(5.0)}, tmp_path / "weights.pth")
    asked = []
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *of: asked.append(of) or tmp_path / "weights.pth")
    frames = np.zeros((480, 8, 10, 3), np.uint8)  # 9.6 s at 50 frames a second: black, then light
    frames[240:] = 204
    sound = np.zeros(96_000 * 2, np.float32)
    found = DeSync().score(frames, sound, frame_rate=50.0, sample_rate=20_000)
    assert found == pytest.approx((1.0 + 0.6) / 2) and asked == [
        ("hkchengrex/MMAudio", "ext_weights/synchformer_state_dict.pth")
    ]
    model = DeSync(tmp_path / "weights.pth")
    with pytest.raises(CannotMeasure, match="too short"):
        model.score(frames[:230], sound, frame_rate=50.0, sample_rate=20_000)
    torch.save({"scale": torch.tensor(math.nan)}, tmp_path / "weights.pth")
    with pytest.raises(CannotMeasure, match="not a number"):
        DeSync(tmp_path / "weights.pth").score(frames, sound, frame_rate=50.0, sample_rate=20_000)


def test_segments_for_synchformer_have_the_published_sizes_and_scales() -> None:
    frames = np.full((96, 30, 20, 3), 51, np.uint8)
    pictures = picture_segments(frames, frame_rate=20.0)  # 4.8 s
    assert pictures.shape == (14, 16, 3, 224, 224) and torch.allclose(pictures, torch.tensor(0.2 * 2 - 1), atol=1e-6)
    sounds = sound_segments(np.zeros(76_800, np.float32), sample_rate=16_000)
    assert sounds.shape == (14, 1, 128, 66)
    silence = (math.log(1e-6) + 4.2677393) / (2 * 4.5689974)
    assert torch.allclose(sounds[..., :65], torch.tensor(silence), atol=1e-5)
    assert torch.allclose(sounds[..., 65], torch.tensor(4.2677393 / (2 * 4.5689974)), atol=1e-5)
    assert not len(picture_segments(frames[:5], frame_rate=20.0))
    assert not len(sound_segments(np.zeros(100), sample_rate=16_000))


def test_whisper_is_told_rate_language_and_length(monkeypatch) -> None:
    calls = []

    def pipeline(task, model, device):
        assert (task, model, device) == ("automatic-speech-recognition", "openai/whisper-large-v3", "cpu")
        return lambda sound, **options: calls.append((sound, options)) or {"text": " Hello there. "}

    install(monkeypatch, "transformers", pipeline=pipeline)
    model = Whisper()
    assert model.transcript(np.zeros(8_000), sample_rate=8_000, language="en") == "Hello there."
    model.transcript(np.zeros(8_000 * 31), sample_rate=8_000, language="zh")
    assert calls[0][0]["raw"].dtype == np.float32 and calls[0][0]["sampling_rate"] == 8_000
    assert [options["generate_kwargs"]["language"] for _, options in calls] == ["english", "chinese"]
    assert [options["return_timestamps"] for _, options in calls] == [False, True]


def test_error_rates_count_words_in_english_and_characters_in_chinese() -> None:
    assert units("Don’t stop — “well-known” CAFÉ!", language="en") == ["dont", "stop", "well", "known", "café"]
    assert units("你好，世界！ ＡＢ 3%", language="zh") == list("你好世界ab3")
    assert error_rate("the cat sat down.", "The cat, it sat", language="en") == 2 / 4
    assert error_rate("今天天汽很好", "今天天气很好。", language="zh") == pytest.approx(1 / 6)
    assert error_rate("", "你好", language="zh") == 1.0
    with pytest.raises(CannotMeasure, match="no words"):
        error_rate("yes", "...", language="en")
    pairs = [("你好", "你好"), ("再", "再见")]
    said, wanted = ([units(text, language="zh") for text in texts] for texts in zip(*pairs, strict=True))
    assert wer_figure(said, wanted, kinds=["a", "a"]).value == pytest.approx(1 / 4)
