"""The one text of Ovi's checkpoints, made from separate fields."""

from __future__ import annotations

import pytest

from harmony.prompts import FAMILIES, clean_text, family_named

TAGS, LINE = FAMILIES["ovi-720"], FAMILIES["ovi-960"]
FIELDS = dict(picture="A man stands on a stage.", sounds="a cheering crowd", speech="Good evening!")


def test_the_two_styles() -> None:
    assert TAGS.compile(**FIELDS) == (
        "A man stands on a stage. <S>Good evening!<E> <AUDCAP>a cheering crowd<ENDAUDCAP>"
    )  # fmt: skip
    assert LINE.compile(**FIELDS) == "A man stands on a stage. <S>Good evening!<E> Audio: a cheering crowd"


def test_fields_may_be_missing() -> None:
    assert TAGS.compile(picture="  A lamp\n blinks. ") == "A lamp blinks."
    assert TAGS.compile(sounds="rain") == "<AUDCAP>rain<ENDAUDCAP>"
    assert LINE.compile() == ""


def test_every_speaker_has_a_line() -> None:
    speech = "Young woman: Is it far?\nMan: No, turn left at 10:30 sharp.\n\nwe are here"
    assert TAGS.compile(picture="Two people walk.", speech=speech) == (
        "Two people walk. Young woman says <S>Is it far?<E> Man says <S>No, turn left at 10:30 sharp.<E> "
        "<S>we are here<E>"
    )


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_texts_in_either_style_become_the_familys_own(family) -> None:
    told = dict(picture="A dog runs. He calls <S>come back<E>.", sounds="barking, wind")
    expected = family.compile(**told)
    for other in FAMILIES.values():
        assert family.compile(picture=other.compile(**told)) == expected


def test_a_word_is_not_taken_for_the_sound_line() -> None:
    picture = "A sign reads audio: left. A jack labelled InAudio: 2 hangs there."
    assert LINE.compile(picture=picture) == picture


def test_tags_inside_a_field_of_their_own_are_dropped() -> None:
    assert TAGS.compile(sounds="<AUDCAP>rain<ENDAUDCAP>", speech="<S>hello<E>") == "<S>hello<E> <AUDCAP>rain<ENDAUDCAP>"


@pytest.mark.parametrize("broken", ["<S>hello", "hello<E>", "<E>a<S>", "<S>a<S>b<E><E>", "<AUDCAP>rain"])
def test_tags_must_pair_up(broken) -> None:
    with pytest.raises(ValueError, match="needs its"):
        TAGS.compile(picture=broken)


def test_nothing_is_said_twice() -> None:
    with pytest.raises(ValueError, match="words are given twice"):
        TAGS.compile(picture="He says <S>hi<E>.", speech="hi")
    with pytest.raises(ValueError, match="sounds are described twice"):
        LINE.compile(picture="Rain falls. Audio: rain", sounds="rain")


def test_models_that_take_fields_apart_have_no_family() -> None:
    assert family_named(None) is None and family_named("separate") is None
    assert family_named("ovi-960") is LINE
    with pytest.raises(ValueError, match="does not know"):
        family_named("ovi-9000")


def test_text_is_cleaned_as_wan_does() -> None:
    assert clean_text("  it&amp;quot;s \n raining  âœ” ") == 'it"s raining ✔'
