"""A dog on the left and a drum on the right."""

from harmony.data.world.base import register
from harmony.data.world.captions import Phrasebook
from harmony.data.world.scenes.dog import Dog
from harmony.data.world.scenes.drum import Drum
from harmony.data.world.together import DuoScene


@register
class DogAndDrum(DuoScene):
    name = "dog_and_drum"
    names = ("dog", "drum")
    things = (Dog(), Drum())
    places = ("indoors", "day", "night")
    spots = (0.25, 0.72)
    phrasebook = Phrasebook(
        video=(
            "a [{dog_size}] {dog_colour} dog barks [{dog_times}] and a [{drum_size}] {drum_colour} drum is hit "
            "[{drum_times}] [{place}]",
            "a [{dog_size}] {dog_colour} dog on the left and a [{drum_size}] {drum_colour} drum on the "
            "right[, the dog barks {dog_times}]"
            "[, the drum is hit {drum_times}]",
            "{dog_count} {dog:bark/barks} of a [{dog_size}] {dog_colour} dog, {drum_count} {drum:hit/hits} "
            "on a [{drum_size}] {drum_colour} drum "
            "[{place}]",
            "[{place}], a [{dog_size}] {dog_colour} dog barks [{dog_times}] beside a [{drum_size}] "
            "{drum_colour} drum that is struck "
            "[{drum_times}]",
            "a [{drum_size}] {drum_colour} drum is beaten [{drum_times}], a [{dog_size}] {dog_colour} dog barks "
            "[{dog_times}]",
            "{dog_size} {dog_colour} dog and {drum_size} {drum_colour} drum[, {dog_count} {dog:bark/barks}]"
            "[, {drum_count} {drum:beat/beats}][, {place}]",
            "someone hits a [{drum_size}] {drum_colour} drum [{drum_times}] while a [{dog_size}] "
            "{dog_colour} dog barks [{dog_times}] [{place}]",
            "first the {order}, a [{dog_size}] {dog_colour} dog barks [{dog_times}], a [{drum_size}] "
            "{drum_colour} drum is hit [{drum_times}]",
            "a [{dog_size}] {dog_colour} dog next to a [{drum_size}] {drum_colour} drum [{place}][, the dog "
            "barks {dog_times}]"
            "[, the drum is struck {drum_times}]",
            "a stick hits a [{drum_size}] {drum_colour} drum [{drum_times}] and a [{dog_size}] {dog_colour} "
            "dog barks [{dog_times}]",
            "a dog and a drum [{place}], {dog_colour} and {drum_colour}[, the dog barks {dog_times}]"
            "[, the drum is hit {drum_times}]",
            "we see a [{dog_size}] {dog_colour} dog [barking {dog_times}] and a [{drum_size}] {drum_colour} drum "
            "[hit {drum_times}] [{place}]",
        ),
        audio=(
            "a [{dog_pitch}] dog barks [{dog_times}] and a [{drum_pitch}] drum sounds [{drum_times}]",
            "{dog_count} [{dog_pitch}] {dog:bark/barks} and {drum_count} [{drum_pitch}] drum {drum:beat/beats}",
            "a [{drum_pitch}] drum [{drum_times}] and a [{dog_pitch}] bark [{dog_times}]",
            "a [{dog_size}] dog barks [{dog_times}], a [{drum_size}] drum is hit [{drum_times}]",
            "first the {order}, {dog_count} [{dog_pitch}] {dog:bark/barks}, {drum_count} [{drum_pitch}] "
            "{drum:thud/thuds}",
            "dog and drum[, {dog_count} {dog:bark/barks}][, {drum_count} {drum:beat/beats}]",
            "a [{dog_pitch}] dog {dog_times}, a [{drum_pitch}] drum {drum_times}",
            "you hear a [{dog_pitch}] dog bark [{dog_times}] and a [{drum_pitch}] drum [{drum_times}]",
            "the bark of a [{dog_size}] dog [{dog_times}] with the thud of a [{drum_pitch}] drum [{drum_times}]",
            "{drum_count} [{drum_pitch}] drum {drum:stroke/strokes}, {dog_count} {dog:bark/barks} [{dog_pitch}]",
            "a [{drum_pitch}] drum is beaten [{drum_times}] while a [{dog_size}] dog barks [{dog_times}]",
            "a dog barks {dog_times}, a drum sounds {drum_times} [{place}]",
        ),
        phrases={"order": {"dog": ("dog",), "drum": ("drum",)}},
    )
