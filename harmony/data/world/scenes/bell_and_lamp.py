"""A bell on the left and a lamp on the right."""

from harmony.data.world.base import register
from harmony.data.world.captions import Phrasebook
from harmony.data.world.scenes.bell import METAL_PHRASES, Bell
from harmony.data.world.scenes.lamp import Lamp
from harmony.data.world.together import DuoScene


@register
class BellAndLamp(DuoScene):
    name = "bell_and_lamp"
    names = ("bell", "lamp")
    things = (Bell(), Lamp())
    places = ("indoors", "night")
    spots = (0.28, 0.78)
    phrasebook = Phrasebook(
        video=(
            "a [{bell_size}] {bell_material} bell rings [{bell_times}] and a [{lamp_size}] {lamp_colour} lamp blinks "
            "[{lamp_times}] [{place}]",
            "a [{bell_size}] {bell_material} bell on the left and a [{lamp_size}] {lamp_colour} lamp on the "
            "right[, the bell is struck "
            "{bell_times}]"
            "[, the lamp blinks {lamp_times}]",
            "{bell_count} {bell:ring/rings} of a [{bell_size}] {bell_material} bell, {lamp_count} "
            "{lamp:blink/blinks} of a "
            "[{lamp_size}] {lamp_colour} lamp [{place}]",
            "[{place}], a [{bell_size}] {bell_material} bell is hit [{bell_times}] beside a [{lamp_size}] "
            "{lamp_colour} lamp that "
            "flashes [{lamp_times}]",
            "a [{lamp_size}] {lamp_colour} lamp flashes [{lamp_times}], a [{bell_size}] {bell_material} bell rings "
            "[{bell_times}]",
            "{bell_size} {bell_material} bell and {lamp_size} {lamp_colour} lamp[, {bell_count} {bell:ring/rings}]"
            "[, {lamp_count} {lamp:blink/blinks}][, {place}]",
            "someone rings a [{bell_size}] {bell_material} bell [{bell_times}] while a [{lamp_size}] "
            "{lamp_colour} lamp blinks "
            "[{lamp_times}] [{place}]",
            "first the {order}, a [{bell_size}] {bell_material} bell rings [{bell_times}], a [{lamp_size}] "
            "{lamp_colour} lamp blinks "
            "[{lamp_times}]",
            "a [{bell_size}] {bell_material} bell next to a [{lamp_size}] {lamp_colour} lamp [{place}][, "
            "the bell rings {bell_times}]"
            "[, the lamp lights up {lamp_times}]",
            "a hammer hits a [{bell_size}] {bell_material} bell [{bell_times}] and a [{lamp_size}] {lamp_colour} lamp "
            "goes on and off "
            "[{lamp_times}]",
            "a bell and a lamp [{place}], {bell_material} and {lamp_colour}[, the bell rings {bell_times}]"
            "[, the lamp blinks {lamp_times}]",
            "we see a [{bell_size}] {bell_material} bell [ringing {bell_times}] and a [{lamp_size}] "
            "{lamp_colour} lamp "
            "[blinking {lamp_times}] [{place}]",
        ),
        audio=(
            "a [{bell_pitch}] bell rings [{bell_times}] and a [{lamp_pitch}] buzz sounds [{lamp_times}]",
            "{bell_count} [{bell_pitch}] bell {bell:ring/rings} and {lamp_count} [{lamp_pitch}] {lamp:buzz/buzzes}",
            "a [{lamp_pitch}] buzz [{lamp_times}] and a [{bell_pitch}] bell [{bell_times}]",
            "a lamp buzzes [{lamp_times}], a [{bell_material}] bell rings [{bell_times}]",
            "first the {order}, {bell_count} [{bell_pitch}] {bell:ring/rings}, {lamp_count} [{lamp_pitch}] "
            "{lamp:buzz/buzzes}",
            "bell and buzz[, {bell_count} {bell:ring/rings}][, {lamp_count} {lamp:buzz/buzzes}]",
            "a [{bell_pitch}] [{bell_timbre}] bell {bell_times}, a [{lamp_pitch}] buzzing lamp {lamp_times}",
            "you hear a [{bell_pitch}] bell [{bell_times}] and a [{lamp_pitch}] electric buzz [{lamp_times}]",
            "the ring of a [{bell_pitch}] bell [{bell_times}] with the [{lamp_pitch}] buzz of a lamp [{lamp_times}]",
            "{lamp_count} [{lamp_pitch}] {lamp:buzz/buzzes}, {bell_count} {bell:stroke/strokes} of a "
            "[{bell_pitch}] bell",
            "a [{bell_pitch}] {bell_material} bell is struck [{bell_times}] while a lamp buzzes [{lamp_times}]",
            "a bell rings {bell_times}, a lamp buzzes {lamp_times} [{place}]",
        ),
        phrases={**METAL_PHRASES, "order": {"bell": ("bell",), "lamp": ("lamp",)}},
    )
