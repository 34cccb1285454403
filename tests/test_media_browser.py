"""How a clip plays in Chromium: each flash and its click, on the browser's own clock."""

import base64

import numpy as np
import pytest
from browser import chromium_page
from clips import RATE, SOUND, click_and_flash, heard_times

from harmony import media

# Decodes the sound at once, and plays the film to learn the media time of each picture shown.
PLAY = """async (data) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(bytes.slice().buffer);
  const video = document.createElement('video');
  video.src = URL.createObjectURL(new Blob([bytes], {type: 'video/mp4'}));
  document.body.append(video);
  const pen = new OffscreenCanvas(8, 8).getContext('2d', {willReadFrequently: true});
  const shown = [];
  const look = (now, picture) => {
    pen.drawImage(video, 0, 0, 8, 8);
    shown.push([picture.mediaTime, pen.getImageData(4, 4, 1, 1).data[0]]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  await video.play();
  await new Promise(done => video.onended = done);
  return {shown, duration: video.duration, sound: Array.from(sound.getChannelData(0)),
          soundBytes: video.webkitAudioDecodedByteCount};
}"""


@pytest.mark.slow
@pytest.mark.browser
def test_a_click_is_heard_with_its_flash(tmp_path):
    flashes = (8, 20, 40, 48)
    frames, waveform = click_and_flash(49, flashes)
    clip = media.write_clip(tmp_path / "x.mp4", frames, waveform, frame_rate=RATE, sample_rate=SOUND)
    with chromium_page() as page:
        played = page.evaluate(PLAY, base64.b64encode(clip.read_bytes()).decode())
    assert played["duration"] == pytest.approx(49 / 16, abs=1e-3)
    assert played["soundBytes"] > 0
    sound = np.array(played["sound"], np.float32)
    expected = np.array(flashes) / RATE
    assert len(sound) == 3 * len(waveform)
    assert np.abs(heard_times(sound, 48_000, expected) - expected).max() < 0.005
    flashed = [time for time, light in played["shown"] if light > 128]
    # A busy machine skips pictures, but never shows one at another time.
    assert flashed and all(np.abs(expected - time).min() < 0.005 for time in flashed)
