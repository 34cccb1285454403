"""Clips whose timing is known: a flash fills one frame, and its click begins with that frame."""

import subprocess

import numpy as np

from harmony import media

RATE, SOUND = 16, 16_000
FLASHES = (3, 16, 32)  # the last one is the last frame


def ffmpeg(*arguments) -> None:
    command = [media.ffmpeg_binary(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


def opens(path) -> bool:
    command = [media.ffmpeg_binary(), "-v", "error", "-i", str(path), "-f", "null", "-"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def click_and_flash(num_frames: int = 33, flashes=FLASHES, *, height=64, width=64):
    """A flash fills one frame; its click begins with that frame."""
    frames = np.full((num_frames, height, width, 3), 30, np.uint8)
    waveform = np.zeros(num_frames * SOUND // RATE, np.float32)
    for k in flashes:
        frames[k] = 230
        waveform[k * 1000 : k * 1000 + 160] = CLICK
    return frames, waveform


CLICK = (0.9 * np.hanning(160) * np.sin(np.arange(160) * 0.8)).astype(np.float32)


def heard_times(waveform: np.ndarray, rate: int, expected) -> np.ndarray:
    """When each click is heard, by correlation near the expected instant."""
    found = []
    click = np.interp(np.arange(0, 160, SOUND / rate), np.arange(160), CLICK)
    for seconds in expected:
        first = max(round((seconds - 0.1) * rate), 0)
        near = waveform[first : first + round(0.2 * rate) + len(click)]
        near = np.pad(near, (0, len(click)))
        found.append((first + np.argmax(np.correlate(near, click, "valid"))) / rate)
    return np.array(found)


def seen(frames: np.ndarray) -> list[int]:
    return [k for k, frame in enumerate(frames) if frame.mean() > 128]


def write_burst(path):
    """Four seconds at 48 kHz: a click every half second, each louder than the one before."""
    waveform = np.zeros(4 * 48_000, np.float32)
    click = np.interp(np.arange(0, 160, 1 / 3), np.arange(160), CLICK)
    for k in range(8):
        waveform[k * 24_000 + 4_800 :][: len(click)] = click * (0.3 + 0.08 * k)
    return media.write_wav(path, waveform, 48_000)
