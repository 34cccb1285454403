"""The command line: clips that play, and one sentence when something is wrong."""

import functools
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from harmony import media
from harmony.cli import cli, pass_on
from harmony.session import load_pipeline

FAST = ["--model", "micro", "--steps", "2", "--guidance", "none"]


load_once = functools.cache(load_pipeline)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harmony.cli.load_pipeline", load_once)
    monkeypatch.setenv("COLUMNS", "200")


def harmony(*arguments, code=0):
    result = CliRunner().invoke(cli, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def film(path, *, seconds=2.0, rate=25.0, size=(48, 80)):
    frames = np.random.default_rng(0).integers(0, 255, (round(seconds * rate), *size, 3), dtype=np.uint8)
    return media.write_clip(path, frames, None, frame_rate=rate, sample_rate=16_000)


def tone(path, *, seconds, rate=44_100):
    time = np.arange(round(seconds * rate)) / rate
    sweep = 0.5 * np.sin(2 * np.pi * (200 + 60 * time) * time).astype(np.float32)
    return media.write_wav(path, np.stack([sweep, -0.5 * sweep]), rate)


def likeness(a, b):
    """Cosine of the angle between two waveforms, the longer one cut."""
    n = min(len(a), len(b))
    return float(a[:n] @ b[:n] / np.linalg.norm(a[:n]) / np.linalg.norm(b[:n]))


def test_help_names_every_command_and_teaches_by_example():
    text = harmony("--help").output
    commands = ["generate", "audio-to-video", "video-to-audio", "app", "train", "evaluate", "convert"]
    assert [c for c in commands if c not in text] == []
    for command in commands[:4]:
        assert f"harmony {command}" in harmony(command, "--help").output


def test_words_become_a_clip_named_after_them(tmp_path):
    result = harmony("generate", "A red drum, hit twice!", "--seed", 3, *FAST)
    info = media.probe(tmp_path / "a-red-drum-hit-twice.mp4")
    assert (info.video_codec, info.audio_codec, info.num_frames) == ("h264", "aac", 33)
    assert "a-red-drum-hit-twice.mp4" in result.output and "Seed 3" in result.output
    assert re.search(r"made in \d+\.\d s", result.output)
    assert '"prompt":"A red drum, hit twice!"' in info.metadata["comment"]


def test_a_name_that_is_taken_is_not_overwritten(tmp_path):
    harmony("generate", "drum", *FAST)
    before = (tmp_path / "drum.mp4").read_bytes()
    harmony("generate", "drum", *FAST)
    assert (tmp_path / "drum.mp4").read_bytes() == before and (tmp_path / "drum-2.mp4").is_file()


def test_seed_and_options_reach_the_model(tmp_path):
    def frames(*options):
        harmony("generate", "drum", "-o", "out.mp4", *FAST, *options)
        return media.read_video("out.mp4")[0]

    first = frames("--seed", 1)
    assert np.array_equal(first, frames("--seed", 1))
    assert not np.array_equal(first, frames("--seed", 2))
    assert not np.array_equal(first, frames("--seed", 1, "--guidance", "sync", "--video-scale", 6))


def test_a_sound_keeps_its_wave_from_the_chosen_start(tmp_path):
    sound = tone(tmp_path / "song.wav", seconds=6.0)
    result = harmony("audio-to-video", sound, "--start", 3, *FAST)
    assert "3.00 s to 5.06 s" in result.output
    heard, rate = media.read_audio(tmp_path / "song-video.mp4", sample_rate=44_100)
    given, _ = media.read_audio(sound, start=3.0, duration=33 / 16)
    from_the_start, _ = media.read_audio(sound, duration=33 / 16)
    assert abs(len(heard) - len(given)) < rate / 16
    assert likeness(heard, given) > 0.98 > 0.5 > likeness(heard, from_the_start)


def test_a_film_keeps_its_pictures_and_gets_a_sound(tmp_path):
    source = film(tmp_path / "film.mp4")
    harmony("video-to-audio", source, *FAST)
    made, given = media.probe(tmp_path / "film-sound.mp4"), media.probe(source)
    assert (made.width, made.height, made.frame_rate) == (given.width, given.height, given.frame_rate)
    assert made.has_audio and not given.has_audio
    assert np.array_equal(media.read_video(made.path)[0], media.read_video(source)[0])


def test_a_part_of_a_film(tmp_path):
    source = film(tmp_path / "long.mp4", seconds=4.0)
    result = harmony("video-to-audio", source, "--start", 1, "--duration", 1.5, "-o", "part.mp4", *FAST)
    assert "1.00 s to 2.50 s" in result.output
    assert media.probe("part.mp4").duration == pytest.approx(1.5, abs=0.05)


def test_a_long_voice_is_trimmed_and_said_so(tmp_path):
    voice = tone(tmp_path / "voice.wav", seconds=5.0)
    result = harmony("generate", "a man says", "--transcript", "hello", "--reference-audio", voice, *FAST)
    assert "Used 0.00 s to 3.00 s of the voice, which lasts 5.00 s" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "drum", "--model", "nowhere/at/all"], "There is no model in nowhere/at/all"),
        (["audio-to-video", "missing.wav", "--model", "micro"], "There is no file 'missing.wav'"),
        (["video-to-audio", "broken.mp4", "--model", "micro"], "'broken.mp4' cannot be read"),
        (["audio-to-video", "short.wav", "--start", "7", "--model", "micro"], "nothing starts at 7.00 s"),
        (["audio-to-video", "short.wav", "--duration", "9", "--model", "micro"], "ask for less"),
        (["generate", "drum", "--image", "broken.mp4", "--model", "micro"], "'broken.mp4' is no picture"),
        (["generate", "drum", "--reference-audio", "short.wav", "--model", "micro"], "must last 1 to 3 seconds"),
    ],
)
def test_errors_are_one_sentence_with_exit_code_2(tmp_path, arguments, words):
    (tmp_path / "broken.mp4").write_bytes(bytes(range(256)) * 8)
    tone(tmp_path / "short.wav", seconds=0.5)
    result = harmony(*arguments, code=2)
    assert words in result.stderr and "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_debug_shows_the_traceback(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    result = CliRunner().invoke(cli, ["video-to-audio", "broken.mp4", "--model", "micro", "--debug"])
    assert isinstance(result.exception, media.MediaError)


def test_train_and_evaluate_hand_over_their_arguments(tmp_path, monkeypatch, capsys):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "__init__.py").touch()
    (tmp_path / "studies" / "__main__.py").write_text("import sys; print(sys.argv)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", ["harmony"])
    pass_on("studies", SimpleNamespace(info_name="train", args=["--config", "a.yaml", "--help"]))
    assert capsys.readouterr().out.strip() == "['harmony train', '--config', 'a.yaml', '--help']"
