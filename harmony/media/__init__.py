"""ffmpeg in and out: what is in a file, sounds and films as arrays, arrays as files that play everywhere.

ffmpeg-python reads and muxes; the program is ``$FFMPEG_BINARY``, else the ffmpeg on PATH, else imageio-ffmpeg's. PyAV
looks into files, so that no ffprobe is needed.
"""

from harmony.media.errors import MediaError
from harmony.media.mosaic import mosaic
from harmony.media.mux import mux
from harmony.media.probe import MediaInfo, probe
from harmony.media.program import ffmpeg_binary
from harmony.media.read import read_audio, read_image, read_video
from harmony.media.write import write_clip, write_wav

__all__ = [
    "MediaError",
    "MediaInfo",
    "ffmpeg_binary",
    "mosaic",
    "mux",
    "probe",
    "read_audio",
    "read_image",
    "read_video",
    "write_clip",
    "write_wav",
]
