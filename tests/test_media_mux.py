"""Muxing: new sound under an old film, old sound under new frames."""

from pathlib import Path

import av
import numpy as np
import pytest
from clips import CLICK, FLASHES, RATE, SOUND, click_and_flash, ffmpeg, heard_times, seen, write_burst

from harmony import media


@pytest.fixture
def clip(tmp_path) -> Path:
    frames, waveform = click_and_flash()
    return media.write_clip(tmp_path / "a 剪辑.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)


@pytest.fixture(scope="module")
def burst(tmp_path_factory) -> Path:
    return write_burst(tmp_path_factory.mktemp("burst") / "burst.wav")


def decoded(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def test_a_whole_film_keeps_its_pictures_bit_for_bit(tmp_path):
    source = tmp_path / "film.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=96x64:rate=24:duration=2", "-metadata", "location=+48-2/", source)
    waveform = np.zeros(32_000, np.float32)
    waveform[12_000:12_160] = CLICK
    path = media.mux(tmp_path / "out.mp4", video_from=source, audio_from=(waveform, SOUND), metadata={"title": "x"})
    assert decoded(path) == decoded(source) and len(decoded(path)) == 48
    sound, _ = media.read_audio(path, sample_rate=SOUND)
    assert heard_times(sound, SOUND, [0.75]) == pytest.approx(0.75, abs=0.002) and len(sound) == 32_000
    metadata = media.probe(path).metadata
    assert metadata["title"] == "x" and not any("location" in key for key in metadata)


def test_a_part_of_a_film_is_cut_exactly(tmp_path, clip):
    waveform = np.full(16_000, 0.1, np.float32)
    path = media.mux(tmp_path / "o.mp4", video_from=clip, audio_from=(waveform, SOUND), start=0.5, duration=1.0)
    frames, rate = media.read_video(path)
    assert rate == 16 and len(frames) == 16 and seen(frames) == [8]
    assert media.read_audio(path, sample_rate=SOUND)[0].shape == (16_000,)
    both = media.mux(tmp_path / "b.mp4", video_from=clip, audio_from=clip, start=0.9, duration=0.5)
    with av.open(str(both)) as container:
        times = [f.time for f in container.decode(video=0) if f.to_ndarray(format="gray").mean() > 128]
    sound, _ = media.read_audio(both, sample_rate=SOUND)
    assert times == pytest.approx([0.1], abs=0.001)
    assert heard_times(sound, SOUND, [0.1]) == pytest.approx(0.1, abs=0.002)


def test_an_old_sound_under_new_frames(tmp_path, burst):
    frames, _ = click_and_flash()
    path = media.mux(tmp_path / "o.mp4", video_from=(frames, RATE), audio_from=burst, start=1.0, duration=33 / 16)
    assert seen(media.read_video(path)[0]) == list(FLASHES)
    sound, rate = media.read_audio(path)
    original, _ = media.read_audio(burst, start=1.0, duration=33 / 16)
    assert rate == 48_000 and len(sound) == len(original) == 99_000
    assert np.abs(sound - original).max() < 0.06


def test_films_that_mp4_cannot_hold_are_encoded_again(tmp_path, burst):
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=49x33:rate=10:duration=2", "-c:v", "ffv1", tmp_path / "a.mkv")
    path = media.mux(tmp_path / "o.mp4", video_from=tmp_path / "a.mkv", audio_from=burst)
    info = media.probe(path)
    assert (info.video_codec, info.num_frames, info.width, info.height) == ("h264", 20, 50, 34)
    assert info.duration == pytest.approx(4.0, abs=0.01)


def test_a_mosaic_holds_each_clip_in_its_place(tmp_path, clip):
    frames, waveform = click_and_flash(17, (2,), height=48, width=48)
    other = media.write_clip(tmp_path / "b.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)
    path = media.mosaic([clip, other, clip], tmp_path / "grid.mp4", labels=["one", "二", "three"], sound=1)
    info = media.probe(path)
    grid, rate = media.read_video(path)
    assert rate == RATE and len(grid) == 33 and info.width == 2 * 128 + 4
    half = info.height // 2
    assert seen(grid[:, half - 128 : half - 8, :128]) == list(FLASHES)
    assert seen(grid[:, half - 128 : half - 8, 132:]) == [2]
    assert grid[:, half + 10 :, 140:].max() < 10  # the fourth place is empty
    assert grid[0, :16, :128].max() > 150  # a label
    assert len(media.read_audio(path, sample_rate=SOUND)[0]) == len(waveform)
    assert not media.probe(media.mosaic([clip], tmp_path / "mute.mp4", sound=None)).has_audio
    for paths, options in (([], {}), ([clip], {"labels": ["a", "b"]}), ([clip], {"sound": 1})):
        with pytest.raises(media.MediaError):
            media.mosaic(paths, tmp_path / "x.mp4", **options)
