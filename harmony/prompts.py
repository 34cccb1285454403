"""Separate fields (what is seen, what is heard, who says what) as the one text that some checkpoints were trained on.

Ovi marks speech as ``<S>words<E>``. Its 720 model wants the sounds in ``<AUDCAP>...<ENDAUDCAP>``, its 960 models as a
last sentence ``Audio: ...``. Models that take the fields apart, such as our own, need none of this.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import Literal

from harmony.conditions import Conditions

FamilyName = Literal["separate", "ovi-720", "ovi-960"]

_SPEECH = re.compile(r"<S>(.*?)<E>", re.DOTALL)
_SOUND_TAG = re.compile(r"\s*<AUDCAP>(.*?)<ENDAUDCAP>\s*", re.DOTALL)
_SOUND_LINE = re.compile(r"(?:^|(?<=\s))Audio:\s*(.*)\Z", re.DOTALL)
_TAGS = ("<S>", "<E>", "<AUDCAP>", "<ENDAUDCAP>")
_SPEAKER = re.compile(r"^\s*([^\W\d_][^:\n.!?<>]{0,40}):\s+(.+)$")


@dataclass(frozen=True)
class PromptFamily:
    """How the checkpoints of one family want to be told.

    Attributes:
        name: kept in the checkpoint's model index.
        sound_tags: sounds in tags, else as a last sentence.
        negative_video, negative_audio: what text guidance pushes away from when nobody says otherwise.
    """

    name: FamilyName
    sound_tags: bool
    negative_video: str
    negative_audio: str

    def compile(self, *, picture: str | None = None, sounds: str | None = None, speech: str | None = None) -> str:
        """The one text for both streams.

        Args:
            picture: what is seen; tags that a person put there stay.
            sounds: what is heard.
            speech: what is said, one line per speaker, each with or without ``Name:`` in front.

        Raises:
            ValueError: if tags do not pair up, or sounds or speech are given twice.
        """
        picture = _tidy(picture)
        _check_pairs(picture)
        picture, found = _split_sounds(picture)
        sounds = _tidy(sounds)
        if found and sounds:
            raise ValueError("the sounds are described twice: inside the picture's text and in their own field")
        if speech and _SPEECH.search(picture):
            raise ValueError("the words are given twice: inside the picture's text and in their own field")
        parts = [picture, *_spoken(speech), self._sounds(_plain(sounds or found))]
        return " ".join(part for part in parts if part)

    def _sounds(self, text: str) -> str:
        if not text:
            return ""
        return f"<AUDCAP>{text}<ENDAUDCAP>" if self.sound_tags else f"Audio: {text}"


_NEGATIVE = dict(
    negative_video="jitter, bad hands, blur, distortion",
    negative_audio="robotic, muffled, echo, distorted",
)
FAMILIES: dict[FamilyName, PromptFamily] = {
    "ovi-720": PromptFamily("ovi-720", sound_tags=True, **_NEGATIVE),
    "ovi-960": PromptFamily("ovi-960", sound_tags=False, **_NEGATIVE),
}


def family_named(name: str | None) -> PromptFamily | None:
    """The family of a checkpoint; ``None`` for models that take the fields apart.

    Raises:
        ValueError: for a name that this version does not know.
    """
    if name in (None, "separate"):
        return None
    if name not in FAMILIES:
        raise ValueError(f"this checkpoint wants prompts of the family '{name}', which this version does not know")
    return FAMILIES[name]


def told(conditions: Conditions, family: PromptFamily | None) -> Conditions:
    """The conditions as a family wants to be told: all words in one caption for both streams, its own negatives.

    What the user wrote stays in the request; this is what the model reads.
    """
    if family is None:
        return conditions
    text = family.compile(picture=conditions.prompt, sounds=conditions.audio_prompt, speech=conditions.transcript)
    return replace(
        conditions, prompt=text or None, audio_prompt=None, transcript=None, schedule=None,
        negative_prompt=conditions.negative_prompt or family.negative_video,
        negative_audio_prompt=conditions.negative_audio_prompt or family.negative_audio,
    )  # fmt: skip


def clean_text(text: str) -> str:
    """Text as Wan's text encoder was fed: broken Unicode mended, HTML entities resolved, one space between words."""
    import ftfy  # imported late: only full-size models need it

    return re.sub(r"\s+", " ", html.unescape(html.unescape(ftfy.fix_text(text)))).strip()


def _spoken(speech: str | None) -> list[str]:
    """Lines such as ``Woman: good morning`` as ``Woman says <S>good morning<E>``."""
    lines = []
    for line in (speech or "").splitlines():
        named = _SPEAKER.match(line)
        words = _plain(named.group(2) if named else line)
        if words:
            lines.append(f"{named.group(1).strip()} says <S>{words}<E>" if named else f"<S>{words}<E>")
    return lines


def _split_sounds(text: str) -> tuple[str, str]:
    """A text without its sound description, and the description, in whichever style it was written."""
    for style in (_SOUND_TAG, _SOUND_LINE):
        found = [part.strip() for part in style.findall(text)]
        if found:
            return _tidy(style.sub(" ", text)), " ".join(found)
    return text, ""


def _check_pairs(text: str) -> None:
    for opening, closing in (_TAGS[:2], _TAGS[2:]):
        tags = re.findall(f"{opening}|{closing}", text)
        if tags != [opening, closing] * (len(tags) // 2):
            raise ValueError(f"every {opening} needs its {closing} after it; check the tags in the text")


def _plain(text: str) -> str:
    """Text without tags, for fields that are put into tags themselves."""
    for tag in _TAGS:
        text = text.replace(tag, " ")
    return _tidy(text)


def _tidy(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()
