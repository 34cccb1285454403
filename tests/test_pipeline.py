"""The pipeline on a random micro model: every task, what comes back untouched, and the folder it is saved in."""

import json
import threading
from fnmatch import fnmatch

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from harmony import media
from harmony.attention_view import AttentionMaps
from harmony.conditions import Conditions
from harmony.encoding import encode_conditions
from harmony.generation import GenerationRequest
from harmony.guidance import GuidanceConfig, GuidanceTerm
from harmony.models.schedule import ScheduledWord
from harmony.passes import without_text
from harmony.pipeline import HarmonyPipeline
from harmony.sampling import GenerationCancelled
from harmony.tracks import fit_pictures

SIZE = dict(height=32, width=32, num_frames=9)
FAST = SIZE | dict(num_inference_steps=2)
EVERYTHING = [GuidanceTerm(kind, 1.5, 1.5) for kind in ("sync", "isolated", "text", "reference")]


@pytest.fixture(scope="module")
def pipe():
    pipe = HarmonyPipeline.micro()
    pipe.set_progress_bar_config(disable=True)
    return pipe


def tone(seconds, rate=22_050):
    wave = 0.5 * np.sin(np.arange(round(seconds * rate)) * 0.2)
    return np.stack([wave, -0.5 * wave]).astype(np.float32), rate


def film(frames=12, rate=25.0):
    return np.random.default_rng(0).integers(0, 256, (frames, 40, 56, 3), dtype=np.uint8), rate


def differ(a, b):
    """Whether pictures and sounds differ by more than rounding."""
    frames = np.abs(a.frames.astype(int) - b.frames.astype(int)).max() > 1
    return bool(frames), bool(np.abs(a.waveform - b.waveform).max() > 1e-4)


def latents(pipe, *args, **wish):
    """The clean latents a clip was decoded from: there, rounding stays small."""
    seen = []
    pipe(*args, callback=lambda p: seen.append(p.latents()), **wish)
    return seen[-1]


# -- tasks ---------------------------------------------------------------------------------------


def test_joint_generation_has_the_clips_shape(pipe):
    clip = pipe("a red drum", **FAST)
    assert clip.frames.shape == (9, 32, 32, 3) and clip.frames.dtype == np.uint8
    assert clip.waveform.shape == (9000,) and clip.waveform.dtype == np.float32
    assert (clip.frame_rate, clip.sample_rate, clip.seed) == (16.0, 16_000, 0)
    assert clip.request.task == "joint" and clip.request.guidance.num_inference_steps == 2
    assert {"text", "encode", "denoise", "decode", "total"} == set(clip.timings)
    assert 0 < clip.timings["denoise"] < clip.timings["total"]


def test_defaults_come_from_the_checkpoint(pipe):
    clip = pipe("a red drum", num_inference_steps=1)
    assert clip.frames.shape == (33, 64, 64, 3) and clip.waveform.shape == (33_000,)
    assert clip.request.guidance.terms == pipe.guidance.terms == (GuidanceTerm("sync", 2.0, 1.5),)


def test_audio_driven_video_returns_the_very_sound(pipe):
    wave, rate = tone(0.5)
    clip = pipe("a red drum", audio=(wave, rate), height=32, width=32, num_inference_steps=2)
    assert clip.request.task == "audio_to_video" and clip.sample_rate == rate
    np.testing.assert_array_equal(clip.waveform, wave)
    assert clip.frames.shape == (9, 32, 32, 3)  # 0.5 s are 8 frames, and clips have 1 + 2n
    other = pipe("a red drum", audio=(0.1 * wave, rate), height=32, width=32, num_inference_steps=2)
    assert not np.array_equal(other.frames, clip.frames)


def test_video_driven_audio_returns_the_very_film(pipe):
    frames, rate = film()
    clip = pipe("a red drum", video=(frames, rate), height=32, width=32, num_inference_steps=2)
    assert clip.request.task == "video_to_audio" and clip.frame_rate == 25.0
    np.testing.assert_array_equal(clip.frames, frames)
    assert clip.waveform.shape == (round(12 / 25 * 16_000),)
    other = pipe("a red drum", video=(255 - frames, rate), height=32, width=32, num_inference_steps=2)
    assert not np.array_equal(other.waveform, clip.waveform)


def test_a_first_frame_starts_the_clip(pipe):
    picture, seen = film()[0][0], []
    clip = pipe("a red drum", image=picture, callback=lambda p: seen.append(p.latents().video), **FAST)
    first = pipe.video_codec.encode(fit_pictures(picture[None], height=32, width=32)[None])
    assert all(torch.equal(latents[:, :, :1], first) for latents in seen)
    assert differ(clip, pipe("a red drum", **FAST)) == (True, True)


def test_a_picture_and_a_sound_together(pipe):
    wave, rate = tone(0.5)
    clip = pipe(None, audio=(wave, rate), image=film()[0][0], height=32, width=32, num_inference_steps=1)
    np.testing.assert_array_equal(clip.waveform, wave)
    assert set(clip.request.uploads) == {"audio", "image"}


def test_every_condition_leaves_its_trace(pipe):
    plain = pipe("a red drum", **FAST)
    assert differ(plain, pipe("a blue lamp", **FAST)) == (True, True)
    assert differ(plain, pipe("a red drum", audio_prompt="quiet", **FAST))[1]
    assert differ(plain, pipe("a red drum", reference_audio=tone(1.2), **FAST))[1]
    spoken = pipe("a red drum", transcript="hello", **FAST)
    assert differ(plain, spoken)[1]
    early, late = ([ScheduledWord("hello", s, s + 0.2)] for s in (0.05, 0.3))
    early, late = (pipe("a red drum", transcript="hello", schedule=s, **FAST) for s in (early, late))
    assert differ(early, late)[1]
    assert early.schedule[0].start == 0.05 and early.request.schedule == early.schedule
    assert spoken.schedule[0].text == "hello" and spoken.request.schedule is None  # drawn again from the seed


def test_silence_is_the_filler_track_as_in_training(pipe):
    conditions = Conditions.of(prompt="a man", transcript="hello")
    parts = dict(tokenizer=pipe.tokenizer, text_encoder=pipe.text_encoder, audio_codec=pipe.audio_codec, seed=0)
    parts["transcript_encoder"] = pipe.transcript_encoder
    filler = pipe.transcript_encoder.encode_timing(torch.zeros(1, 66, dtype=torch.long))
    spoken = encode_conditions(conditions, pipe.timeline, **parts)
    assert not torch.allclose(spoken.conditioning.timing, filler)
    torch.testing.assert_close(spoken.no_text.timing, filler)
    assert spoken.no_text.video_caption is None
    silent = encode_conditions(Conditions.of(prompt="a man"), pipe.timeline, **parts)
    torch.testing.assert_close(silent.conditioning.timing, filler)
    anchor = without_text(spoken.conditioning, ("transcript", "timing"), spoken.no_text)
    torch.testing.assert_close(anchor.timing, filler)
    assert not anchor.transcript_mask.any()


def test_a_given_track_already_times_the_words(pipe):
    clip = pipe("a man", transcript="hello", video=film(), height=32, width=32, num_inference_steps=1)
    assert clip.schedule is None


@pytest.mark.parametrize("kind", ["sync", "isolated", "text", "reference", "skip_layer"])
def test_every_guidance_changes_the_clip(pipe, kind):
    base = GuidanceConfig(terms=(), num_inference_steps=2, shift=1.0, skip_layers=(0,))
    settings = dict(reference_audio=tone(1.2), **SIZE)
    plain = pipe("a red drum", guidance=base, **settings)
    terms = GuidanceConfig(terms=(GuidanceTerm(kind, 4.0, 4.0),), num_inference_steps=2, shift=1.0, skip_layers=(0,))
    assert differ(plain, pipe("a red drum", guidance=terms, **settings))[1]


def test_a_negative_caption_takes_the_place_of_no_text(pipe):
    settings = dict(guidance=[GuidanceTerm("text", 3.0, 3.0)], **FAST)
    plain, negative = (pipe("a red drum", negative_prompt=text, **settings) for text in (None, "loud lamp"))
    assert differ(plain, negative) == (True, True)
    same = latents(pipe, "a red drum", negative_prompt="a red drum", **settings)
    torch.testing.assert_close(same, latents(pipe, "a red drum", guidance=[], **FAST), atol=1e-4, rtol=1e-4)


def test_the_grey_anchor_is_another_choice(pipe):
    grey, predicted = (
        GuidanceConfig(terms=(GuidanceTerm("sync", 1.0, 4.0),), num_inference_steps=2, static_anchor=a)
        for a in ("grey", "prediction")
    )
    assert differ(pipe("a drum", guidance=grey, **SIZE), pipe("a drum", guidance=predicted, **SIZE))[1]


def test_attention_maps_come_from_the_joint_pass_and_change_nothing(pipe):
    wish = dict(guidance=EVERYTHING, reference_audio=tone(1.2), **FAST)
    clip = pipe("a red drum", output_attention=True, **wish)
    looks, plain = clip.attention.sound_sources(), pipe("a red drum", **wish)
    assert looks.shape == (1, 18, 5, 2, 2)  # audio latents, video latents, token rows and columns
    torch.testing.assert_close(looks.sum((2, 3, 4)), torch.ones(1, 18))
    np.testing.assert_array_equal(clip.waveform, plain.waveform)
    assert plain.attention is None
    unguided = pipe("a red drum", output_attention=True, **wish | dict(guidance=[], num_inference_steps=1))
    first_step = pipe("a red drum", output_attention=True, **wish | dict(num_inference_steps=1))
    torch.testing.assert_close(first_step.attention.sound_sources(), unguided.attention.sound_sources())


def test_attention_maps_are_kept_and_drawn_in_every_view(pipe, tmp_path):
    clip = pipe("a red drum", output_attention=True, **FAST)
    timeline = pipe.timeline.with_num_frames(clip.request.num_frames)
    maps = AttentionMaps.of(clip.attention, timeline, window=1.0)
    kept = AttentionMaps.load(maps.save(tmp_path / "maps.npz"))
    assert kept.layers == (0, 1) and kept.timeline == timeline and kept.window == 1.0
    np.testing.assert_allclose(kept.heat(), clip.attention.sound_sources()[0].sum(0), rtol=2e-3)
    np.testing.assert_allclose(kept.heat("looks", 1), clip.attention.sound_sources(1)[0].sum(0), rtol=2e-3)
    np.testing.assert_allclose(kept.matrix("added", 0), clip.attention.audio_of_frames(0)[0], atol=1e-3)
    np.testing.assert_allclose(kept.matrix("looks").sum(0), np.ones(18), atol=1e-2)  # each sound looks once
    for view in ("looks", "added"):
        drawn = kept.draw_over(clip.frames, clip.frame_rate, kept.heat(view, None))
        assert drawn.shape == clip.frames.shape and drawn.dtype == np.uint8
        assert kept.draw_matrix(kept.matrix(view, 1)).size[0] > 100


# -- making a clip again -------------------------------------------------------------------------


def test_the_same_request_makes_the_same_clip(pipe):
    uploads = dict(reference_audio=tone(1.2), image=film()[0][0])
    clip = pipe("a red drum", transcript="hello", guidance=EVERYTHING, seed=5, **uploads, **FAST)
    request = GenerationRequest.from_json(clip.request.to_json())
    again = pipe.regenerate(request, **uploads)
    np.testing.assert_array_equal(again.frames, clip.frames)
    np.testing.assert_array_equal(again.waveform, clip.waveform)
    assert again.request == clip.request and again.schedule == clip.schedule
    assert differ(clip, pipe.regenerate(request.model_copy(update={"seed": 6}), **uploads)) == (True, True)


def test_a_saved_file_remembers_its_request(pipe, tmp_path):
    clip = pipe("a red drum", transcript="hello", **FAST)
    info = media.probe(clip.save(tmp_path / "clip.mp4"))
    assert (info.num_frames, info.width, info.height, info.sample_rate) == (9, 32, 32, 48_000)
    request = GenerationRequest.from_json(info.metadata["comment"])
    assert request == clip.request and differ(clip, pipe.regenerate(request)) == (False, False)
    waveform, rate = media.read_audio(clip.save(tmp_path / "clip.wav"))
    assert rate == 16_000 and np.abs(np.squeeze(waveform) - clip.waveform).max() < 1e-3


def test_a_drawn_seed_is_told(pipe):
    clip = pipe("a red drum", seed=None, **FAST)
    assert clip.seed == clip.request.seed and differ(clip, pipe.regenerate(clip.request)) == (False, False)


def test_both_ways_of_running_passes_agree(pipe):
    settings = dict(guidance=EVERYTHING, reference_audio=tone(1.2), **FAST)
    at_once, in_turn = (latents(pipe, "a red drum", batch_passes=b, **settings) for b in (True, False))
    torch.testing.assert_close(at_once, in_turn, atol=1e-4, rtol=1e-4)


def test_unipc_and_equal_noise_are_requests_of_their_own(pipe):
    plain = pipe("a red drum", **FAST)
    assert differ(plain, pipe("a red drum", solver="unipc", **FAST | dict(num_inference_steps=3))) == (True, True)
    assert differ(plain, pipe("a red drum", equal_noise=True, **FAST)) == (True, True)


# -- progress, cancel, errors --------------------------------------------------------------------


def test_progress_offers_previews(pipe):
    seen = []
    pipe(
        "a red drum",
        callback=lambda p: seen.append((p.step, p.total, p.frames(), p.loudness(), p.seconds_left)),
        **FAST,
    )
    assert [(step, total) for step, total, *_ in seen] == [(1, 2), (2, 2)]
    assert seen[0][2].shape == (9, 32, 32, 3) and seen[0][2].dtype == np.uint8
    assert seen[0][3].shape == (18,) and seen[0][4] > 0 and seen[1][4] == 0


def test_cancel_stops_the_work(pipe):
    stop, steps = threading.Event(), []

    def callback(progress):
        steps.append(progress.step)
        stop.set()

    with pytest.raises(GenerationCancelled, match="after 1 of 5"):
        pipe("a red drum", callback=callback, cancel=stop, **FAST | dict(num_inference_steps=5))
    assert steps == [1]
    with pytest.raises(GenerationCancelled, match="before the clip was decoded"):
        pipe("a red drum", cancel=lambda: len(steps) > 1, callback=callback, **FAST | dict(num_inference_steps=1))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (dict(height=40), "height must be a multiple of 16"),
        (dict(num_frames=8), "num_frames must be 1"),
        (dict(num_frames=99), "at most 33 frames"),
        (dict(num_inference_steps=0), "num_inference_steps"),
        (dict(solver="heun"), "solver"),
        (dict(guidance=[GuidanceTerm("skip_layer", 2.0, 2.0)]), "skip_layers"),
        (dict(audio=tone(4.0)), "lasts 4.00 s"),
        (dict(seed=-3), "seed"),
    ],
)
def test_a_wrong_wish_gives_one_clear_sentence(pipe, asked, words):
    with pytest.raises(ValueError, match=words) as error:
        pipe("a red drum", **FAST | asked)
    assert "\n" not in str(error.value)


# -- the folder ----------------------------------------------------------------------------------


def test_a_saved_folder_makes_the_same_clip(pipe, tmp_path):
    folder = tmp_path / "harmony-micro"
    pipe.save_pretrained(folder)
    index = json.loads((folder / "model_index.json").read_text())
    assert index["transformer"] == ["harmony", "HarmonyTransformer"] and index["max_num_frames"] == 33
    assert all(not file.name.endswith((".bin", ".pt", ".pkl")) for file in folder.rglob("*"))
    again = HarmonyPipeline.from_pretrained(folder)
    again.set_progress_bar_config(disable=True)
    assert again.guidance == pipe.guidance and again.model_id == "harmony-micro"
    wish = dict(transcript="hello", guidance=EVERYTHING, **FAST)
    # Weights from a file lie at other addresses, where matrix products may round in another order.
    torch.testing.assert_close(latents(again, "a red drum", **wish), latents(pipe, "a red drum", **wish))
    request = again("a red drum", **wish).request
    assert request.model == "harmony-micro" and str(tmp_path) not in request.to_json()


def test_a_hub_id_fetches_nothing_that_could_run(monkeypatch, pipe, tmp_path):
    pipe.save_pretrained(tmp_path)
    asked = {}
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **o: asked.update(o, name=name) or tmp_path)
    again = HarmonyPipeline.from_pretrained("someone/harmony", revision="main")
    assert again.model_id == asked["name"] == "someone/harmony" and asked["revision"] == "main"
    assert not any(
        fnmatch(f"weights.{kind}", p) for kind in ("bin", "pt", "py", "pkl") for p in asked["allow_patterns"]
    )


def test_a_checkpoint_may_carry_speech_in_its_captions(pipe, tmp_path):
    """The full-size layout: umT5 captions of a fixed length without a mask, no transcript encoder."""
    backend = pipe.tokenizer.backend_tokenizer
    encoder = UMT5EncoderModel(
        UMT5Config(vocab_size=len(pipe.tokenizer), d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    ).eval()
    parts = pipe.components | dict(
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]"),
        text_encoder=encoder,
        transcript_encoder=None,
    )
    HarmonyPipeline(**parts).save_pretrained(tmp_path)
    large = HarmonyPipeline.from_pretrained(tmp_path)
    large.set_progress_bar_config(disable=True)
    assert large.transcript_encoder is None
    wish = dict(guidance=[GuidanceTerm("text", 3.0, 3.0), GuidanceTerm("sync", 2.0, 2.0)], **FAST)
    # Three words among 512 rows weigh little in a random model: the sound shows them, the pictures hardly.
    assert differ(large("a red drum", **wish), large("a blue lamp", **wish))[1]
    assert differ(large("a red drum", **wish), large("a red drum", negative_prompt="loud", **wish))[1]
    with pytest.raises(ValueError, match="no transcript encoder"):
        large("a man", transcript="hello", **FAST)


def test_a_missing_folder_is_named():
    with pytest.raises(FileNotFoundError, match="no checkpoint folder './nowhere'"):
        HarmonyPipeline.from_pretrained("./nowhere")


def test_a_dtype_is_for_the_models_and_not_for_the_codecs(pipe, tmp_path):
    pipe.save_pretrained(tmp_path)
    half = HarmonyPipeline.from_pretrained(tmp_path, dtype=torch.bfloat16)
    moved = HarmonyPipeline.micro().to("cpu", torch.bfloat16)
    for one in (half, moved):
        one.set_progress_bar_config(disable=True)
        assert one.precision == "bfloat16" and one.text_encoder.dtype == torch.bfloat16
        assert one.video_codec.dtype == one.audio_codec.dtype == torch.float32
        assert np.isfinite(one("a red drum", transcript="hello", reference_audio=tone(1.2), **FAST).waveform).all()
    with pytest.raises(ValueError, match="float16 hundreds of times slower"):
        moved.to(torch.float16)


def test_precision_is_part_of_the_request():
    pipe = HarmonyPipeline.micro().use_precision("bfloat16")
    pipe.set_progress_bar_config(disable=True)
    clip = pipe("a red drum", **FAST)
    assert clip.request.precision == "bfloat16" and np.isfinite(clip.waveform).all()
    assert next(pipe.video_codec.parameters()).dtype == torch.float32
    with pytest.raises(ValueError, match="open it again for float32"):
        pipe.use_precision("float32")
    with pytest.raises(ValueError, match="was made in float32"):
        pipe.regenerate(clip.request.model_copy(update={"precision": "float32"}))
