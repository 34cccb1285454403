"""A drum in the rain."""

from harmony.data.world.base import register
from harmony.data.world.captions import Phrasebook
from harmony.data.world.scenes.drum import Drum
from harmony.data.world.together import RainyScene


@register
class DrumRain(RainyScene):
    name = "drum_rain"
    thing = Drum()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} drum is (hit|struck|beaten) [{times}] [{tempo}] in (the|) {intensity} rain [{place}]",
            "{count} {hit/hits} on a [{size}] {colour} drum in {intensity} rain [{place}]",
            "{intensity} rain falls while a [{size}] {colour} drum is played [{times}] [{place}]",
            "someone (hits|beats) a [{size}] {colour} drum [{times}] [{tempo}] while it rains [{strength}]",
            "[{place}], a [{size}] {colour} drum is struck [{times}] in {intensity} rain",
            "{size} {colour} drum, {count} {beat/beats}, {intensity} rain[, {place}]",
            "it rains [{strength}] and a stick hits a [{size}] {colour} drum [{times}] [{place}]",
            "a [{size}] {colour} drum in {intensity} rain (is hit|is beaten) [{force}] [{times}] [{place}]",
            "rain comes down [{strength}], a [{size}] {colour} drum is hit [{times}] [{tempo}]",
            "a drummer plays a [{size}] {colour} drum [{times}] in the {intensity} rain [{place}]",
            "{times} a stick comes down on a [{size}] {colour} drum in {intensity} rain [{place}]",
            "{colour} drum in {intensity} rain[, {count} {stroke/strokes}][, {place}]",
            "a cloud brings {intensity} rain, the [{size}] {colour} drum is hit [{times}] [{place}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] drum {beat/beats} in {intensity} rain",
            "{intensity} rain and a [{pitch}] drum [{times}] [{tempo}]",
            "a [{loudness}] [{pitch}] drum sounds [{times}] while it rains {strength}",
            "{intensity} rain, {count} [{pitch}] drum {beat/beats}",
            "a drum is (hit|beaten) [{how}] {times} in {intensity} rain[, {pitch}]",
            "it rains {strength}, {count} [{loudness}] [{pitch}] {thud/thuds} of a drum",
            "the sound of {intensity} rain with a [{pitch}] drum [{times}]",
            "drum and {intensity} rain[, {pitch}][, {times}]",
            "[{pitch}] drum {beat/beats} over {intensity} rain, {times} [{tempo}]",
            "you hear {intensity} rain and {count} [{pitch}] drum {hit/hits}",
            "{intensity} rain falls, a [{pitch}] drum booms [{times}]",
            "{count} {stroke/strokes} on a [{pitch}] drum, {intensity} rain",
        ),
        phrases={
            "intensity": {"light": ("light", "soft", "gentle"), "heavy": ("heavy", "strong")},
            "strength": {"light": ("lightly", "softly", "gently"), "heavy": ("heavily", "hard")},
        },
    )
