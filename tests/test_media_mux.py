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
