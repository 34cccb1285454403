"""Writing files: nothing is lost on the way to an mp4, and nothing is left behind by a failure."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from clips import CLICK, FLASHES, RATE, SOUND, click_and_flash, heard_times, seen

from harmony import media
from harmony.media import MediaError


@pytest.fixture
def clip(tmp_path) -> Path:
    frames, waveform = click_and_flash()
    return media.write_clip(tmp_path / "a 剪辑.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)


def test_a_clip_keeps_every_frame_and_every_sample(tmp_path):
    frames, waveform = click_and_flash()
    path = media.write_clip(tmp_path / "剪 辑.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)
    info = media.probe(path)
    assert (info.num_frames, info.frame_rate, info.width, info.height) == (33, 16.0, 64, 64)
    assert (info.video_codec, info.audio_codec, info.sample_rate, info.channels) == ("h264", "aac", 48_000, 1)
    assert info.duration == pytest.approx(33 / 16, abs=1e-4)
    assert not info.variable_frame_rate
    back, rate = media.read_video(path)
    assert rate == 16.0 and back.shape == frames.shape and seen(back) == list(FLASHES)
    assert np.abs(back.astype(int) - frames).max() <= 3
    sound, sound_rate = media.read_audio(path, sample_rate=SOUND)
    assert sound_rate == SOUND and sound.shape == waveform.shape
    assert np.abs(sound - waveform).max() < 0.08


def test_the_very_last_samples_are_heard(tmp_path):
    waveform = np.zeros(33_000, np.float32)
    waveform[-160:] = CLICK
    frames = np.zeros((33, 64, 64, 3), np.uint8)
    path = media.write_clip(tmp_path / "x.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)
    sound, _ = media.read_audio(path, sample_rate=SOUND)
    assert np.corrcoef(sound[-160:], CLICK)[0, 1] > 0.98


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_neither_stream_is_cut_to_the_other(tmp_path, seconds):
    frames, _ = click_and_flash()
    waveform = np.full(round(seconds * SOUND), 0.1, np.float32)
    path = media.write_clip(tmp_path / "x.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)
    assert len(media.read_video(path)[0]) == 33
    assert media.read_audio(path, sample_rate=SOUND)[0].shape == waveform.shape


def test_sound_and_picture_agree_within_five_milliseconds(clip):
    expected = np.array(FLASHES) / RATE
    with av.open(str(clip)) as container:  # PyAV: what any libav player sees
        shown = [frame.time for frame in container.decode(video=0) if frame.to_ndarray(format="gray").mean() > 128]
    with av.open(str(clip)) as container:
        parts = [(frame.time, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
    heard = heard_times(np.concatenate([part for _, part in parts]), 48_000, expected) + parts[0][0]
    assert np.abs(heard - shown).max() < 0.005
    sound, rate = media.read_audio(clip)  # the ffmpeg program
    assert np.abs(heard_times(sound, rate, expected) - expected).max() < 0.005


def test_tags_survive(tmp_path):
    frames, waveform = click_and_flash()
    request = json.dumps({"prompt": "a = b; #c \\ 'd' \"e\"\n新年快乐 🎉", "seed": 2**40})
    for metadata in (
        {"title": " 鼓 = drum; ", "comment": request, "copyright": "© nobody"},
        {"title": "t", "comment": request, "harmony_request": request},  # a key that mp4 has no name for
    ):
        path = media.write_clip(
            tmp_path / "t.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND, metadata=metadata
        )
        found = media.probe(path).metadata
        assert {key: found.get(key) for key in metadata} == metadata


def test_sizes_scales_rates_and_channels(tmp_path):
    frames, _ = click_and_flash(9, (4,), height=33, width=47)
    stereo = np.stack([np.sin(np.arange(9000) * 0.05) * 0.5, np.zeros(9000)]).astype(np.float32)
    path = media.write_clip(tmp_path / "odd.mp4", frames, stereo, frame_rate=30_000 / 1001, sample_rate=SOUND)
    info = media.probe(path)
    assert (info.height, info.width, info.channels) == (34, 48, 2)
    assert info.frame_rate == pytest.approx(29.97, abs=1e-3)
    left, right = media.read_audio(path, mono=False, sample_rate=SOUND)[0]
    assert np.abs(left - stereo[0])[500:-500].max() < 0.03 and np.abs(right).max() < 0.01
    path = media.write_clip(
        tmp_path / "big.mp4", frames, None, frame_rate=8, sample_rate=SOUND, scale=4, scaler="nearest"
    )
    info = media.probe(path)
    assert (info.height, info.width, info.has_audio) == (132, 188, False)


def test_colours_come_back(tmp_path):
    patches = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 220, 40], [128, 128, 128]], np.uint8)
    frames = np.repeat(np.repeat(patches, 16, 0)[None, None], 64, 1)[[0] * 4]
    path = media.write_clip(tmp_path / "c.mp4", frames, None, frame_rate=8, sample_rate=SOUND)
    back, _ = media.read_video(path)
    assert np.abs(back.astype(int) - frames)[:, :, 4::16].max() <= 8


def test_wav_round_trip(tmp_path):
    stereo = np.random.default_rng(0).uniform(-1, 1, (2, 1000)).astype(np.float32)
    path = media.write_wav(tmp_path / "声 音.wav", stereo, 22_050)
    back, rate = media.read_audio(path, mono=False)
    assert rate == 22_050 and np.abs(back - stereo).max() < 1e-4
    assert np.abs(media.read_audio(path)[0] - stereo.mean(0)).max() < 1e-4


@pytest.mark.parametrize(
    ("frames", "waveform", "why"),
    [
        (np.zeros((0, 8, 8, 3), np.uint8), np.zeros(10, np.float32), "frames must be"),
        (np.zeros((4, 8, 8, 3), np.float32), np.zeros(10, np.float32), "frames must be"),
        (np.zeros((4, 8, 8, 3), np.uint8), np.full(10, np.nan, np.float32), "finite"),
        (np.zeros((4, 8, 8, 3), np.uint8), np.zeros(10, np.int16), "floats"),
    ],
)
def test_what_is_no_clip_is_refused_and_the_old_file_stays(tmp_path, frames, waveform, why):
    path = tmp_path / "x.mp4"
    path.write_bytes(b"old")
    with pytest.raises(MediaError, match=why):
        media.write_clip(path, frames, waveform, frame_rate=8, sample_rate=SOUND)
    assert [p.name for p in tmp_path.iterdir()] == ["x.mp4"] and path.read_bytes() == b"old"


def test_a_failing_ffmpeg_leaves_nothing_behind(tmp_path, monkeypatch):
    broken = tmp_path / "bin" / "ffmpeg"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nfor last; do :; done\necho half > x\ncat > /dev/null\necho 'disk full' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("FFMPEG_BINARY", str(broken))
    monkeypatch.chdir(tmp_path / "bin")
    folder = tmp_path / "out"
    with pytest.raises(MediaError, match="disk full"):
        media.write_clip(folder / "x.mp4", *click_and_flash(), frame_rate=RATE, sample_rate=SOUND)
    assert list(folder.iterdir()) == []


def test_which_ffmpeg_is_run(monkeypatch, tmp_path):
    mine = tmp_path / "ffmpeg"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    monkeypatch.setenv("FFMPEG_BINARY", str(mine))
    assert media.ffmpeg_binary() == str(mine)
    monkeypatch.setenv("FFMPEG_BINARY", str(tmp_path / "none"))
    with pytest.raises(MediaError, match="FFMPEG_BINARY"):
        media.ffmpeg_binary()
    monkeypatch.delenv("FFMPEG_BINARY")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert media.ffmpeg_binary() == str(mine)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    assert "imageio_ffmpeg" in media.ffmpeg_binary()
