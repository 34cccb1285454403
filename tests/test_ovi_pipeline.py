"""From Ovi's released files to a folder that opens, and a clip that is the one Ovi's own sampler makes."""

from __future__ import annotations

import errno
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import UniPCMultistepScheduler
from ovi_reference import OviReference
from public_files import FREQ, HEAD_DIM, HEADS, LAYERS, PublicFiles, micro_sound_codec, small_config, write_public_files
from safetensors.torch import load_file
from torch import Tensor
from typer.testing import CliRunner

import harmony.convert.parts
import harmony.pipeline
from harmony.adapters.keymap import WrongCheckpoint
from harmony.convert.command import app
from harmony.convert.ovi import RELEASES, convert_ovi, convert_to_ovi, release_of, training_config
from harmony.convert.staging import CannotWrite, staged
from harmony.guidance import GuidanceConfig, GuidanceTerm
from harmony.pipeline import HarmonyPipeline

SIZE, FRAMES, STEPS, SEED = 32, 9, 3, 7
FAST = dict(num_frames=FRAMES, height=SIZE, width=SIZE, num_inference_steps=2, seed=SEED)
NOISY = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PublicFiles:
    return write_public_files(tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="module")
def folder(files: PublicFiles, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("converted") / "ovi"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harmony.convert.parts, "MMAudioCodec", micro_sound_codec)
        convert(files, out, accept_noncommercial=True, mmaudio=files.mmaudio)
    return out


@pytest.fixture(scope="module")
def pipe(folder) -> HarmonyPipeline:
    pipe = HarmonyPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def convert(files: PublicFiles, out, **options):
    said: list[str] = []
    settings = dict(wan=str(files.wan), config=small_config(), say=said.append)
    return convert_ovi(str(files.ovi), out, **settings | options)


# -- the folder --------------------------------------------------------------------------------------------------------


def test_folder_opens_with_ovis_defaults(pipe) -> None:
    assert pipe.guidance == GuidanceConfig.ovi()
    assert type(pipe.scheduler).__name__ == "UniPCMultistepScheduler"
    assert pipe.transcript_encoder is None
    assert (pipe.config.num_frames, pipe.timeline.num_audio_latents, pipe.timeline.frame_rate) == (121, 157, 24.0)
    assert pipe.prompt_as_told(prompt="A man.", audio_prompt="rain", transcript="hi") == (
        "A man. <S>hi<E> <AUDCAP>rain<ENDAUDCAP>"
    )


def test_licence_goes_everywhere(folder, pipe) -> None:
    assert (
        "NonCommercial" in (folder / "LICENSE.md").read_text()
        or "non-commercial" in (folder / "LICENSE.md").read_text()
    )
    assert "CC-BY-NC" in json.loads((folder / "model_index.json").read_text())["license"]
    assert "CC-BY-NC" in (folder / "audio_codec" / "LICENSE.md").read_text()
    clip = pipe("a drum", **FAST)
    assert "CC-BY-NC" in clip.metadata["copyright"]


def test_nothing_but_safetensors_is_written(folder) -> None:
    assert {file.suffix for file in folder.rglob("*") if file.is_file()} <= {".json", ".safetensors", ".md"}
    assert not list(folder.parent.glob(".*"))


def test_without_the_noncommercial_codec_it_opens_but_says_so(files, tmp_path) -> None:
    convert(files, tmp_path / "out")
    pipe = HarmonyPipeline.from_pretrained(tmp_path / "out")
    assert pipe.audio_codec is None and pipe.config.license == "Apache-2.0"
    with pytest.raises(ValueError, match="without a sound codec; convert it again with --accept-noncommercial"):
        pipe("a drum", **FAST)


def test_noncommercial_weights_need_a_word(files, tmp_path) -> None:
    with pytest.raises(ValueError, match="CC-BY-NC"):
        convert(files, tmp_path / "out", mmaudio=files.mmaudio)
    assert not list(tmp_path.iterdir())


def test_releases() -> None:
    assert release_of("x/model_960x960_10s.safetensors", None).num_frames == 241
    assert release_of("chetwinlow1/Ovi", None) is RELEASES["720x720_5s"]
    assert release_of("chetwinlow1/Ovi", "960x960_5s").prompts == "ovi-960"
    with pytest.raises(ValueError, match="choose 720x720_5s"):
        release_of("chetwinlow1/Ovi", "4k")


# -- the same clip as Ovi's --------------------------------------------------------------------------------------------


class OviSampler:
    """Ovi's loop as its engine runs it, on the independent reference of its blocks."""

    def __init__(self, files: PublicFiles, pipe: HarmonyPipeline) -> None:
        weights = load_file(files.ovi)
        self.model = OviReference(weights, layers=LAYERS, heads=HEADS, head_dim=HEAD_DIM, freq_dim=FREQ)
        self.pipe = pipe

    def embed(self, text: str) -> Tensor:
        """umT5 rows of the text, and zeros up to 512."""
        batch = self.pipe.tokenizer([text], return_tensors="pt")
        rows = self.pipe.text_encoder(batch.input_ids).last_hidden_state[0]
        return torch.cat([rows, torch.zeros(512 - len(rows), rows.shape[1])])

    @torch.no_grad()
    def __call__(self, text: str, *, first: Tensor | None, scales: tuple[float, float], skip: int) -> list[Tensor]:
        told, less = (
            self.embed(text),
            [self.embed(t) for t in ("jitter, bad hands, blur, distortion", "robotic, muffled, echo, distorted")],
        )
        video = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(SEED))
        audio = torch.randn(11, 20, generator=torch.Generator().manual_seed(SEED)).T
        u = np.linspace(0.999, 0, STEPS + 1)[:-1]
        schedulers = []
        for _ in range(2):
            schedulers.append(
                UniPCMultistepScheduler(
                    prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0, num_train_timesteps=1000
                )
            )
            schedulers[-1].set_timesteps(sigmas=5 * u / (1 + 4 * u))
        for t in schedulers[0].timesteps:
            if first is not None:
                video[:, :1] = first
            options = dict(timestep=float(t), first_frame_is_clean=first is not None)
            plus = self.model(video, audio, text_video=told, text_audio=told, **options)
            minus = self.model(video, audio, text_video=less[0], text_audio=less[1], skip_layer=skip, **options)
            guided = [n + g * (p - n) for p, n, g in zip(plus, minus, scales, strict=True)]
            video, audio = (
                s.step(v[None], t, z[None], return_dict=False)[0][0]
                for s, v, z in zip(schedulers, guided, (video, audio), strict=True)
            )
        if first is not None:
            video[:, :1] = first
        return [video, audio]


@pytest.mark.parametrize("image", [None, NOISY], ids=["text to clip", "given first frame"])
def test_sampling_equals_ovis(files, pipe, image, monkeypatch) -> None:
    caught = []
    decode = harmony.pipeline.decode_tracks

    def spy(latents, *args, **kwargs):
        caught.append(latents)
        return decode(latents, *args, **kwargs)

    monkeypatch.setattr(harmony.pipeline, "decode_tracks", spy)
    guidance = replace(GuidanceConfig.ovi(), skip_layers=(1,), num_inference_steps=STEPS)
    size = dict(num_frames=FRAMES, height=SIZE, width=SIZE)
    pipe("a red drum.", audio_prompt="a drum", image=image, guidance=guidance, seed=SEED, equal_noise=True, **size)
    first = None
    if image is not None:
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None, :, None] / 127.5 - 1
        first = pipe.video_codec.encode(pixels)[0]
    text = "a red drum. <AUDCAP>a drum<ENDAUDCAP>"
    expected = OviSampler(files, pipe)(text, first=first, scales=(4.0, 3.0), skip=1)
    for mine, theirs in zip(caught[0], expected, strict=True):
        assert theirs.std() > 0.1
        torch.testing.assert_close(mine[0], theirs, atol=1e-4, rtol=1e-4)


def test_request_keeps_what_the_user_wrote(pipe) -> None:
    clip = pipe("a drum", transcript="hello", **FAST)
    assert clip.request.prompt == "a drum" and clip.request.transcript == "hello"
    again = pipe.regenerate(clip.request)
    np.testing.assert_array_equal(again.frames, clip.frames)


# -- more than Ovi -----------------------------------------------------------------------------------------------------


def test_what_raw_weights_did_not_learn_works_and_is_labelled(pipe) -> None:
    sound = (np.random.default_rng(1).normal(0, 0.1, 6000).astype(np.float32), 16_000)
    voice = (np.random.default_rng(2).normal(0, 0.1, 16_000).astype(np.float32), 16_000)
    plain = pipe("a drum", guidance=[GuidanceTerm("isolated", 2.0, 2.0)], **FAST)
    assert plain.cautions == ()
    driven = pipe("a drum", audio=sound, guidance=[GuidanceTerm("isolated", 2.0, 2.0)], **FAST)
    assert [c for c in driven.cautions if "never saw a clean sound" in c]
    cloned = pipe("a drum", reference_audio=voice, guidance=[GuidanceTerm("reference", 1.0, 2.0)], **FAST)
    assert [c for c in cloned.cautions if "DreamID-Omni" in c]
    assert not np.array_equal(cloned.waveform, pipe("a drum", guidance=[], **FAST).waveform)
    synced = pipe("a drum", guidance=[GuidanceTerm("sync", 3.0, 2.0)], **FAST)
    assert [c for c in synced.cautions if "isolated" in c]


def test_grown_for_training_makes_the_same_clip(files, folder, tmp_path) -> None:
    small = small_config()
    grown = training_config(
        **{name: getattr(small, name) for name in (
            "in_channels_video", "num_layers", "num_heads_video", "num_heads_audio", "head_dim", "ffn_dim_video",
            "ffn_dim_audio", "text_dim", "freq_dim",
        )},
        transcript_dim=16,
    )  # fmt: skip
    report = convert(files, tmp_path / "grown", config=grown)
    assert "blocks.0.style.to_q.weight" in report.fresh
    codec = micro_sound_codec()
    clips = []
    for where in (folder, tmp_path / "grown"):
        pipe = HarmonyPipeline.from_pretrained(where, audio_codec=codec)
        pipe.set_progress_bar_config(disable=True)
        clips.append(pipe("a drum", audio_prompt="drum", **FAST))
    assert np.abs(clips[0].waveform - clips[1].waveform).max() < 1e-3
    assert np.abs(clips[0].frames.astype(int) - clips[1].frames).max() <= 1


def test_back_to_ovi(files, folder, tmp_path) -> None:
    assert convert_to_ovi(folder, tmp_path / "back.safetensors") == len(load_file(files.ovi))
    there, back = load_file(files.ovi), load_file(tmp_path / "back.safetensors")
    assert all(torch.equal(there[name], back[name]) for name in there)
    with pytest.raises(CannotWrite, match="is there already"):
        convert_to_ovi(folder, tmp_path / "back.safetensors")


# -- nothing is left behind --------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_nothing(files, tmp_path, monkeypatch) -> None:
    def full(*_, **__) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(harmony.convert.parts, "save_module", full)
    with pytest.raises(CannotWrite, match="is full; make room"):
        convert(files, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_too_small_is_told_before(tmp_path) -> None:
    with pytest.raises(CannotWrite, match="GB are needed"), staged(tmp_path / "out", needs=1 << 60):
        pass
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_overwritten(files, tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(CannotWrite, match="is there already"):
        convert(files, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


def test_wrong_parts_leave_nothing(files, tmp_path) -> None:
    broken = tmp_path / "cut.safetensors"
    broken.write_bytes(files.ovi.read_bytes()[:-1000])
    with pytest.raises(WrongCheckpoint, match="cut off"):
        convert(replace(files, ovi=broken), tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="has no text_encoder and no tokenizer"):
        convert(files, tmp_path / "out", wan=str(wan_without_text(files, tmp_path)))
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".*"))


def wan_without_text(files: PublicFiles, folder):
    (folder / "wan").mkdir()
    (folder / "wan" / "vae").symlink_to(files.wan / "vae")
    return folder / "wan"


def test_the_command_speaks_in_sentences(files, tmp_path) -> None:
    run = CliRunner().invoke(app, ["ovi", str(files.ovi), str(tmp_path / "out"), "--wan", str(files.wan)])
    assert run.exit_code == 2 and not (tmp_path / "out").exists()
    told = CliRunner().invoke(app, ["to-ovi", str(tmp_path), str(tmp_path / "x.safetensors")])
    assert told.exit_code == 2
