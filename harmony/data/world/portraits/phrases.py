"""Words for faces and voices, shared by the captions of every scene in which somebody speaks."""

from __future__ import annotations

PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "who": {
        "man": ("man",),
        "woman": ("woman",),
        "child": ("child", "kid"),
        "robot": ("robot",),
        "cat": ("cat", "cartoon cat"),
    },
    "skin": {
        "light": ("light-skinned", "pale"),
        "tan": ("brown-skinned", "tan"),
        "dark": ("dark-skinned",),
    },
    "hair": {
        "black": ("black",),
        "brown": ("brown",),
        "blond": ("blond", "blonde"),
        "red": ("red", "ginger"),
        "gray": ("gray", "grey"),
    },
    "hairstyle": {"short": ("short",), "long": ("long",), "curly": ("curly",)},
    "glasses": {"yes": ("glasses",), "no": ()},
    "shirt": {
        "red": ("red",),
        "orange": ("orange",),
        "yellow": ("yellow",),
        "green": ("green",),
        "blue": ("blue",),
        "purple": ("purple", "violet"),
        "pink": ("pink",),
        "white": ("white",),
    },
    "voice": {
        "man": ("man's voice", "male voice"),
        "woman": ("woman's voice", "female voice"),
        "child": ("child's voice", "kid's voice"),
    },
    "speaker": {"man": ("man",), "woman": ("woman",), "child": ("child", "kid")},
    "language": {"english": ("english",), "chinese": ("chinese", "mandarin")},
    "side": {"left": ("on the left", "to the left"), "right": ("on the right", "to the right")},
}


def portrait_of(prefix: str = "", *, article: str = "a") -> str:
    """A template for one face: a person with hair and shirt, or a creature of some colour.

    Args:
        prefix: names the facts of one of several faces, as in "left_".
        article: "a" or "the".
    """
    who, skin, hair, style, glasses, shirt, colour = (
        "{" + prefix + fact + "}" for fact in ("who", "skin", "hair", "hairstyle", "glasses", "shirt", "colour")
    )
    return (
        "("
        + "|".join(
            (
                f"{article} {skin} {who} with {style} {hair} hair[, {glasses}] and a {shirt} shirt",
                f"{article} [{skin}] {who} with [{style}] {hair} hair[ and {glasses}] in a {shirt} shirt",
                f"{article} {skin} {who} in a {shirt} shirt with [{style}] {hair} hair[ and {glasses}]",
                f"{article} [{skin}] {who} in {shirt} with [{style}] {hair} hair[ and {glasses}]",
                f"{article} {colour} {who}[ in a {shirt} shirt]",
            )
        )
        + ")"
    )


def sketch_of(prefix: str, *, article: str = "a") -> str:
    """A shorter template than :func:`portrait_of`, for pictures with several faces."""
    who, skin, hair, style, shirt, colour = (
        "{" + prefix + fact + "}" for fact in ("who", "skin", "hair", "hairstyle", "shirt", "colour")
    )
    return (
        "("
        + "|".join(
            (
                f"{article} [{skin}] {who} with [{style}] {hair} hair in {shirt}",
                f"{article} {who} in a {shirt} shirt with {hair} hair",
                f"{article} {colour} {who}[ in {shirt}]",
            )
        )
        + ")"
    )


# What can be heard, without saying which words.
SPOKEN = (
    "a {speaker} [with a {pitch} voice] says {count} {word/words} [in {language}]",
    "a [{pitch}] {voice} says {count} {language} {word/words}",
    "a {speaker} speaks {language} [{how}]",
    "a [{pitch}] [{loudness}] {voice} [speaking] [{language}]",
    "{count} {word/words} [in {language}] (from|by) a {speaker}",
    "a {speaker} talks [{how}] [in {language}]",
    "the [{pitch}] voice of a {speaker}[, {count} {word/words}]",
    "you hear a {speaker} (speak|say {count} {word/words}) [in {language}]",
    "speech, a [{pitch}] {voice}[, {language}][, {count} {word/words}]",
    "{language} speech [of a {speaker}][, {count} {word/words}]",
    "somebody (speaks|talks) [{language}] [in a {pitch} voice] [{how}]",
    "a {speaker} says {count} {word/words} [{how}] [{place}]",
    "a [{loudness}] {voice}[, {count} {word/words}]",
    "{count} {language} {word/words} in a {pitch} voice",
)
WORDLESS = ("nobody speaks", "the {who} says nothing", "no voice is heard")
