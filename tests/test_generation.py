"""Requests, conditions and results: what travels with a clip, and what is refused at the door."""

import json

import numpy as np
import pytest
import torch

from harmony.conditions import Conditions
from harmony.generation import Generation, GenerationRequest
from harmony.guidance import GuidanceConfig, GuidanceTerm
from harmony.models.schedule import ScheduledWord
from harmony.precision import best_precision, bfloat16_speedup, dtype_of
from harmony.timeline import Timeline
from harmony.tracks import Film, Sound, as_frames, as_picture, fit_pictures, resample

RATE = 16_000


def tone(seconds=2.0625, rate=RATE, channels=1):
    x = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate).astype(np.float32)
    return (x if channels == 1 else np.stack([x] * channels)), rate


def film(frames=33, rate=16.0, height=48, width=80):
    picture = np.linspace(0, 255, width, dtype=np.uint8)[None, None, :, None]
    clip = np.broadcast_to(picture, (frames, height, width, 3)).copy()
    clip[:, 0, 0, 0] = np.arange(frames)  # every frame is another one
    return clip, rate


def request(**changes):
    settings = dict(num_frames=33, height=64, width=64, guidance=GuidanceConfig.paper(), seed=7, model="harmony-tiny")
    return GenerationRequest.of(changes.pop("conditions", Conditions.of(prompt="a red drum")), **settings | changes)


# -- requests ------------------------------------------------------------------------------------


def test_a_request_survives_json():
    conditions = Conditions.of(
        prompt=" a red drum ", transcript="hello ball", reference_audio=tone(1.5), image=film()[0][0],
        schedule=[ScheduledWord("hello", 0.2, 0.7), ScheduledWord("ball", 0.9, 1.3)],
    )  # fmt: skip
    guidance = GuidanceConfig(terms=(GuidanceTerm("sync", 1.5, 0.0, 0.2, 0.8),), rescale=0.3, solver="unipc")
    asked = request(conditions=conditions, guidance=guidance, license="CC0-1.0", precision="bfloat16")
    again = GenerationRequest.from_json(asked.to_json())
    assert again == asked and again.prompt == "a red drum" and again.guidance == guidance
    assert set(again.uploads) == {"reference_audio", "image"} and len(again.uploads["image"]) == 64
    assert json.loads(asked.to_json())["version"] == 1


def test_a_request_knows_its_uploads_again():
    asked = request(conditions=Conditions.of(audio=tone(), prompt="a drum"))
    assert asked.task == "audio_to_video" and asked.conditions(audio=tone()).audio is not None
    with pytest.raises(ValueError, match="also needs its audio"):
        asked.conditions()
    with pytest.raises(ValueError, match="audio: this is not the upload"):
        asked.conditions(audio=tone(1.0))
    with pytest.raises(ValueError, match="made without image"):
        asked.conditions(audio=tone(), image=film()[0][0])


@pytest.mark.parametrize(
    ("text", "words"),
    [("{}", "num_frames"), ("no json", "Invalid JSON"), ('{"version": 9}', "version"), ("[]", "object")],
)
def test_a_wrong_request_gives_one_clear_sentence(text, words):
    with pytest.raises(ValueError, match="not the settings of a Harmony clip") as error:
        GenerationRequest.from_json(text)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_seed_out_of_range_is_refused():
    with pytest.raises(ValueError, match="seed"):
        request(seed=-1)


# -- conditions ----------------------------------------------------------------------------------


def test_one_caption_serves_both_streams():
    assert Conditions.of(prompt="a drum").captions == ("a drum", "a drum")
    assert Conditions.of(audio_prompt="loud").captions == ("loud", "loud")
    assert Conditions.of(prompt="a drum", audio_prompt="loud").captions == ("a drum", "loud")
    assert Conditions.of(prompt="  ").captions == (None, None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict(audio=tone(), video=film()), "nothing is left to make"),
        (dict(image=film()[0][0], video=film()), "leave the image out"),
        (dict(audio=tone(), reference_audio=tone(2.0)), "leave the reference voice out"),
        (dict(reference_audio=tone(0.4)), "1 to 3 seconds, got 0.40"),
        (dict(transcript="1234"), "no word of the transcript"),
        (dict(transcript="red", schedule=[ScheduledWord("blue", 0, 1)]), "speaks 'blue' but the transcript 'red'"),
        (dict(audio=tone()[0]), "pair"),
        (dict(audio=(np.zeros(10), 100)), "100 Hz"),
        (dict(audio=(np.array([0.0, np.nan]), RATE)), "not finite"),
        (dict(audio=(np.zeros((2, 0)), RATE)), "waveform"),
        (dict(video=(np.zeros((4, 8, 8, 3)), 16)), "uint8 frames"),
        (dict(video=(film()[0][:1], 16)), "at least two frames"),
        (dict(video=(film()[0], 0)), "frame rate"),
        (dict(image=np.zeros((8, 8, 7), np.uint8)), "picture"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(given, words):
    with pytest.raises(ValueError, match=words) as error:
        Conditions.of(**given)
    assert "\n" not in str(error.value)


def test_overlapping_words_are_refused():
    words = [ScheduledWord("red", 0.1, 0.9), ScheduledWord("ball", 0.5, 1.2)]
    with pytest.raises(ValueError, match="overlap"):
        Conditions.of(transcript="red ball", schedule=words)


def clock(given, **settings):
    settings = dict(num_frames=None, max_num_frames=33) | settings
    return Conditions.of(**given).clock(Timeline(), **settings)


def test_a_clip_is_as_long_as_its_track():
    assert clock({}).num_frames == 33 and clock({}, num_frames=17).num_frames == 17
    assert clock(dict(audio=tone(2.0625))).num_frames == 33
    assert clock(dict(audio=tone(1.0))).num_frames == 17  # 16 frames do not fit 1 + 2n; nothing is cut
    assert clock(dict(audio=tone(0.05))).num_frames == 3
    assert clock(dict(video=film(25, 16.0))).num_frames == 25
    assert clock(dict(video=film(50, 25.0))).num_frames == 33  # 2 s are 32 frames


@pytest.mark.parametrize(
    ("given", "settings", "words"),
    [
        (dict(audio=tone(2.5)), {}, "lasts 2.50 s but the clip can last 2.06 s; trim it"),
        (dict(video=film(60, 25.0)), {}, "film lasts 2.40 s"),
        (dict(audio=tone(2.0)), dict(num_frames=17), "lasts 2.00 s but the clip can last 1.06 s"),
        ({}, dict(num_frames=49), "at most 33 frames"),
        ({}, dict(num_frames=32), "nearest: 3"),
        (dict(transcript="red", schedule=[ScheduledWord("red", 1, 2.5)]), {}, "schedule ends at 2.50 s"),
    ],
)
def test_nothing_is_cut_silently(given, settings, words):
    with pytest.raises(ValueError, match=words):
        clock(given, **settings)


# -- tracks --------------------------------------------------------------------------------------


def test_sounds_of_any_kind_become_float_waveforms():
    wave, rate = tone(1.0)
    for given in (wave, torch.from_numpy(wave), wave[None], wave[:, None], wave.astype(np.float64)):
        sound = Sound.of((given, rate))
        assert sound.waveform.dtype == np.float32 and sound.waveform.shape == (RATE,)
        np.testing.assert_allclose(sound.waveform, wave)
    integers = Sound.of(((wave * 32767).astype(np.int16), rate)).waveform
    np.testing.assert_allclose(integers, wave, atol=1e-4)
    assert Sound.of((np.stack([wave, -wave], axis=1), rate)).waveform.shape == (2, RATE)


def test_a_sound_is_resampled_mixed_and_padded():
    stereo = Sound.of(tone(1.0, rate=44_100, channels=2))
    mono = stereo.fitted(RATE, 20_000)
    assert mono.shape == (20_000,) and mono[16_100:].abs().max() == 0
    spectrum = torch.fft.rfft(mono[:RATE]).abs()
    assert abs(int(spectrum.argmax()) - 440) <= 1
    np.testing.assert_array_equal(stereo.waveform, tone(1.0, rate=44_100, channels=2)[0])


def test_odd_rates_do_not_need_a_giant_filter():
    assert abs(len(resample(torch.zeros(44_099), 44_099, RATE)) - RATE) < 20


def test_a_film_shows_at_each_instant_what_was_on_screen():
    frames, _ = film(50, 25.0)
    fitted = Film.of((frames, 25.0)).fitted(Timeline(), height=48, width=80)
    assert fitted.shape == (3, 33, 48, 80)
    shown = as_frames(fitted)[:, 0, 0, 0]
    expected = [min(int((k + 0.5) / 16 * 25), 49) for k in range(33)]
    assert shown.tolist() == expected


def test_pictures_keep_their_shape_and_middle():
    wide = np.zeros((1, 40, 120, 3), np.uint8)
    wide[:, :, 40:80] = 255
    fitted = fit_pictures(wide, height=64, width=64)
    assert fitted.shape == (3, 1, 64, 64) and fitted.min() > 0.9
    same = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_frames(fit_pictures(same, height=64, width=64)), same)
    flat = np.full((1, 7, 300, 3), 200, np.uint8)
    assert fit_pictures(flat, height=64, width=32).shape == (3, 1, 64, 32)


def test_pictures_of_any_kind():
    from PIL import Image

    grey = np.full((5, 6), 9, np.uint8)
    for given in (grey, Image.fromarray(grey), np.repeat(grey[..., None], 4, -1), torch.full((5, 6, 3), 9).byte()):
        assert as_picture(given).shape == (5, 6, 3) and (as_picture(given) == 9).all()


# -- results -------------------------------------------------------------------------------------


def generation():
    return Generation(
        frames=film()[0], waveform=tone()[0], frame_rate=16.0, sample_rate=RATE, seed=7,
        request=request(license="CC-BY-NC-4.0"),
    )  # fmt: skip


def test_metadata_carry_request_and_licence():
    tags = generation().metadata
    assert GenerationRequest.from_json(tags["comment"]) == generation().request
    assert "CC-BY-NC-4.0" in tags["copyright"] and "generative" in tags["description"]


def test_only_known_formats_are_saved(tmp_path):
    with pytest.raises(ValueError, match=r"\.mp4"):
        generation().save(tmp_path / "clip.gif")


# -- precision -----------------------------------------------------------------------------------


def test_precision_is_chosen_by_name_and_machine(monkeypatch):
    assert dtype_of("bfloat16") == torch.bfloat16 and dtype_of("float32") == torch.float32
    with pytest.raises(ValueError, match="float16"):
        dtype_of("float16")
    assert best_precision("cuda") == "bfloat16" and best_precision("cpu") in ("float32", "bfloat16")
    assert dtype_of("auto") == dtype_of(best_precision())
    best_precision.cache_clear()
    monkeypatch.setattr("harmony.precision.cpu_has_bfloat16_units", lambda: False)
    assert best_precision("cpu") == "float32"
    best_precision.cache_clear()
    assert bfloat16_speedup(64, 1) > 0
