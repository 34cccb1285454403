"""Reading files: exact ranges of anything people upload, and one clear sentence where that cannot be."""

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from clips import FLASHES, RATE, SOUND, click_and_flash, ffmpeg, heard_times, opens, seen, write_burst
from PIL import Image

from harmony import media
from harmony.media import MediaError


@pytest.fixture
def clip(tmp_path) -> Path:
    frames, waveform = click_and_flash()
    return media.write_clip(tmp_path / "a 剪辑.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)


@pytest.fixture(scope="module")
def burst(tmp_path_factory) -> Path:
    return write_burst(tmp_path_factory.mktemp("burst") / "burst.wav")


SOUND_FILES = {
    "a.wav": [],
    "8k.wav": ["-ar", "8000"],
    "声 音.mp3": ["-b:a", "128k"],
    "a.ogg": ["-c:a", "libvorbis"],
    "a.opus": ["-c:a", "libopus"],
    "a.flac": [],
    "a.m4a": [],
    "bare.aac": [],
    "surround.wav": ["-af", "pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0"],
}


@pytest.mark.parametrize("name", SOUND_FILES)
def test_any_sound_is_read_on_time_whole_or_in_part(tmp_path, burst, name):
    path = tmp_path / name
    ffmpeg("-i", burst, *SOUND_FILES[name], f"file:{path}")
    info = media.probe(path)
    assert info.has_audio and not info.has_video
    assert info.duration == pytest.approx(4.0, abs=0.1)
    whole, rate = media.read_audio(path, sample_rate=SOUND)
    late = 0.045 if name == "bare.aac" else 0.0  # bare AAC cannot say how much priming it begins with
    expected = np.arange(8) * 0.5 + 0.1
    assert rate == SOUND and np.abs(heard_times(whole, rate, expected) - expected - late / 2).max() <= 0.002 + late / 2
    part, _ = media.read_audio(path, start=1.05, duration=1.5, sample_rate=SOUND)
    assert part.shape == (24_000,)
    assert np.abs(part - whole[16_800:40_800])[200:-200].max() < 0.02
    assert np.abs(whole).max() <= 1.0
    channels, native = media.read_audio(path, mono=False)
    assert native == info.sample_rate and channels.shape[0] == info.channels == (6 if "surround" in name else 1)


FILMS = {
    "a.mp4": ["-c:v", "libx264"],  # with B-frames
    "a.webm": ["-c:v", "libvpx", "-c:a", "libopus"],
    "影 片.mkv": ["-c:v", "libx264", "-c:a", "flac"],
    "a.mov": ["-c:v", "mpeg4", "-c:a", "pcm_s16le"],
    "a.avi": ["-c:v", "mjpeg", "-c:a", "pcm_s16le"],
    "a.ts": ["-c:v", "libx264"],
}


@pytest.mark.parametrize("name", FILMS)
def test_any_film_is_read_on_time_whole_or_in_part(tmp_path, name):
    frames, waveform = click_and_flash(64, (5, 20, 40, 63))
    source = media.write_clip(tmp_path / "s.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)
    path = tmp_path / name
    ffmpeg("-i", source, *FILMS[name], f"file:{path}")
    if name == "a.ts" and not opens(path):
        pytest.skip("some static builds of ffmpeg crash on transport streams")
    info = media.probe(path)
    assert info.num_frames == 64 and info.frame_rate == pytest.approx(16, abs=0.01)
    whole, rate = media.read_video(path)
    assert rate == pytest.approx(16, abs=0.01) and seen(whole) == [5, 20, 40, 63]
    part, _ = media.read_video(path, start=1.25, duration=1.3125)
    assert seen(part) == [0, 20] and len(part) == 21
    half, _ = media.read_video(path, frame_rate=8)
    assert len(half) == 32
    sound, _ = media.read_audio(path, sample_rate=SOUND)
    expected = np.array([5, 20, 40]) / RATE
    late = 0.011 if name == "a.ts" else 0.0  # a transport stream cannot say how much priming its sound begins with
    assert np.abs(heard_times(sound, SOUND, expected) - expected).max() < late + 0.005


def test_the_frame_on_screen_at_the_start_is_read(clip):
    frames, _ = media.read_video(clip, start=16.4 / 16, duration=0.25, frame_rate=64)
    assert seen(frames) == list(range(2)) or seen(frames) == list(range(3))


def test_turned_films_and_pixels_that_are_not_square(tmp_path):
    source = "testsrc=size=96x64:rate=8:duration=1"
    ffmpeg("-f", "lavfi", "-i", source, tmp_path / "flat.mp4")
    ffmpeg("-f", "lavfi", "-i", source, "-vf", "setsar=2", tmp_path / "wide.mp4")
    flat = media.read_video(tmp_path / "flat.mp4")[0]
    with av.open(str(tmp_path / "flat.mp4")) as old, av.open(str(tmp_path / "turned.mov"), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        stream.set_display_rotation(-90)
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    info = media.probe(tmp_path / "turned.mov")
    assert (info.rotation, info.width, info.height) == (90, 64, 96)
    turned = media.read_video(tmp_path / "turned.mov")[0]
    assert np.abs(turned.astype(int) - np.rot90(flat, -1, axes=(1, 2))).mean() < 4
    wide = media.probe(tmp_path / "wide.mp4")
    assert (wide.width, wide.height) == (192, 64)
    assert media.read_video(tmp_path / "wide.mp4", size=(32, 32))[0].shape == (8, 32, 32, 3)


def test_a_variable_frame_rate_keeps_its_timing(tmp_path):
    # 32 frames at 16 per second; of the second half only every fourth is kept.
    path = tmp_path / "vfr.mkv"
    frames, waveform = click_and_flash(32, (4, 16))
    source = media.write_clip(tmp_path / "s.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)
    ffmpeg("-i", source, "-vf", "select='lt(n,16)+not(mod(n,4))'", "-c:v", "libx264", path)
    info = media.probe(path)
    assert info.variable_frame_rate and info.num_frames == 20
    steady, rate = media.read_video(path, frame_rate=16)
    assert rate == 16 and seen(steady) == [4, 16, 17, 18, 19]
    media.mux(tmp_path / "cut.mp4", video_from=path, audio_from=(waveform[8000:], SOUND), start=0.5, duration=1.25)
    cut = media.probe(tmp_path / "cut.mp4")
    assert cut.variable_frame_rate and seen(media.read_video(cut.path, frame_rate=16)[0]) == [8, 9, 10, 11]


def test_a_sound_that_starts_late_begins_with_silence(tmp_path, clip):
    path = tmp_path / "late.mkv"
    ffmpeg("-i", clip, "-itsoffset", "0.5", "-i", clip, "-map", "0:v", "-map", "1:a", "-c", "copy", path)
    sound, _ = media.read_audio(path, sample_rate=SOUND)
    expected = np.array(FLASHES) / RATE + 0.5
    assert np.abs(heard_times(sound, SOUND, expected) - expected).max() < 0.005
    assert seen(media.read_video(path)[0]) == list(FLASHES)


def test_a_recording_without_a_duration_is_measured(tmp_path, clip):
    # Browsers record so: nobody goes back to write the header.
    path = tmp_path / "recorded.webm"
    command = [media.ffmpeg_binary(), "-v", "error", "-i", str(clip), "-c:v", "libvpx", "-c:a", "libopus", "-f", "webm"]
    path.write_bytes(subprocess.run([*command, "-live", "1", "-"], check=True, capture_output=True).stdout)
    with av.open(str(path)) as container:
        assert container.duration is None
    info = media.probe(path)
    assert info.duration == pytest.approx(33 / 16, abs=0.05) and info.num_frames == 33
    assert info.frame_rate == pytest.approx(16, abs=0.1)
    assert seen(media.read_video(path, frame_rate=16)[0]) == list(FLASHES)


def test_an_mp3_without_a_header_is_measured(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "aevalsrc='if(lt(t,5),0,random(0)-0.5)':s=16000:d=30", "-q:a", "2", "-write_xing", "0",
           tmp_path / "a.mp3")  # fmt: skip
    assert media.probe(tmp_path / "a.mp3").duration == pytest.approx(30, abs=0.2)
    assert len(media.read_audio(tmp_path / "a.mp3", start=29.0, duration=0.5)[0]) == 8_000


def test_moving_gifs_and_covers_of_music(tmp_path, burst):
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=48x32:rate=10:duration=1", tmp_path / "a.gif")
    gif = media.probe(tmp_path / "a.gif")
    assert (gif.num_frames, gif.has_audio, gif.frame_rate) == (10, False, pytest.approx(10))
    assert media.read_video(gif.path)[0].shape == (10, 32, 48, 3)
    Image.new("RGB", (32, 32), "red").save(tmp_path / "cover.png")
    ffmpeg("-i", burst, "-i", tmp_path / "cover.png", "-map", "0", "-map", "1", "-disposition:v", "attached_pic",
           tmp_path / "cover.mp3")  # fmt: skip
    cover = media.probe(tmp_path / "cover.mp3")
    assert cover.has_audio and not cover.has_video and cover.num_frames == 0


def test_ten_minutes_are_not_decoded_for_one_second(tmp_path):
    path = tmp_path / "long.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=black:size=32x32:rate=4:duration=600,geq=lum='floor(T/3)':cb=128:cr=128",
           "-f", "lavfi", "-i", "aevalsrc='0.001*floor(t)':s=8000:d=600", "-c:v", "libx264", "-preset", "ultrafast",
           "-g", "40", "-c:a", "pcm_s16le", "-f", "mov", path)  # fmt: skip
    info = media.probe(path)
    assert info.duration == pytest.approx(600, abs=0.1) and info.num_frames == 2400
    sound, _ = media.read_audio(path, start=590.5, duration=1.0)
    assert sound.shape == (8000,) and sound[:3900] == pytest.approx(0.590, abs=1e-3)
    frames, _ = media.read_video(path, start=300.0, duration=1.0)
    assert len(frames) == 4 and frames.mean() == pytest.approx((100 - 16) * 255 / 219, abs=2)
    with pytest.raises(MediaError, match="GiB"):
        media.read_video(path, frame_rate=200, size=(2000, 2000))


@pytest.fixture(scope="module")
def wrong(tmp_path_factory) -> Path:
    """A folder of what people hand in by mistake."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "empty.mp4").touch()
    (folder / "text.txt").write_text("Hello, this is a text.\n" * 50)
    (folder / "text.mp4").write_text("Hello, this is a text.\n" * 50)
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsound.wav\n#EXT-X-ENDLIST\n")
    (folder / "list.mp4").write_text("ffconcat version 1.0\nfile sound.wav\n")
    (folder / "noise.wav").write_bytes(np.random.default_rng(0).bytes(5000))
    Image.new("RGB", (32, 32), "red").save(folder / "picture.png")
    media.write_wav(folder / "sound.wav", np.full(16_000, 0.1, np.float32), SOUND)
    (folder / "zero.wav").write_bytes((folder / "sound.wav").read_bytes()[:44])
    frames, waveform = click_and_flash()
    media.write_clip(folder / "clip.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)
    media.write_clip(folder / "mute.mp4", frames, None, frame_rate=RATE, sample_rate=SOUND)
    whole = (folder / "clip.mp4").read_bytes()
    (folder / "half.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "headless.mp4").write_bytes(whole[len(whole) // 2 :])
    return folder


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none.mp4", "no file"),
        (".", "not a file"),
        ("empty.mp4", "empty"),
        ("text.txt", "cannot be read"),
        ("text.mp4", "cannot be read"),
        ("list.m3u8", "cannot be read"),
        ("list.mp4", "cannot be read"),
        ("noise.wav", "cannot be read"),
        ("headless.mp4", "cannot be read"),
        ("picture.png", "still picture"),
    ],
)
def test_what_is_no_media_is_refused_in_one_sentence(wrong, name, why):
    for read in (media.probe, media.read_audio, media.read_video):
        with pytest.raises(MediaError, match=why) as raised:
            read(wrong / name)
        assert "\n" not in str(raised.value) and len(str(raised.value)) < 400


def test_what_is_not_in_a_file_is_said(wrong):
    for read, name, options, why in [
        (media.read_audio, "mute.mp4", {}, "no sound"),
        (media.read_video, "sound.wav", {}, "no moving pictures"),
        (media.read_audio, "sound.wav", {"start": 2.0}, "lasts 1.00 s"),
        (media.read_video, "clip.mp4", {"start": -1.0}, "0 seconds or later"),
        (media.read_video, "clip.mp4", {"duration": 0.0}, "longer than 0"),
        (media.read_video, "clip.mp4", {"frame_rate": 0.0}, "frame rate"),
        (media.read_audio, "zero.wav", {}, "0 seconds"),
        (media.read_audio, "half.mp4", {}, "damaged|decoded"),
    ]:
        with pytest.raises(MediaError, match=why):
            read(wrong / name, **options)
    assert media.probe(wrong / "zero.wav").duration == 0.0
    assert len(media.read_audio(wrong / "sound.wav", start=0.5, duration=9.0)[0]) == 8_000


def test_pictures_are_upright_and_on_white(tmp_path):
    picture = Image.new("RGB", (40, 20), "blue")
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert media.read_image(tmp_path / "turned.jpg").shape == (40, 20, 3)
    Image.new("RGBA", (8, 8), (255, 0, 0, 128)).save(tmp_path / "half.png")
    assert media.read_image(tmp_path / "half.png")[0, 0].tolist() == [255, 127, 127]
    Image.fromarray(np.full((8, 8), 32_768, np.uint16)).save(tmp_path / "deep.png")
    assert media.read_image(tmp_path / "deep.png")[0, 0].tolist() == [128] * 3
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / "print.jpg")
    assert media.read_image(tmp_path / "print.jpg")[0, 0, 0] < 60
    (tmp_path / "broken.png").write_bytes((tmp_path / "half.png").read_bytes()[:40])
    for name in ("broken.png", "none.png"):
        with pytest.raises(MediaError, match="picture"):
            media.read_image(tmp_path / name)
