"""Captions from templates: many ways to say one thing, and a list of every word that can occur.

A template is a sentence in a little grammar:

- ``{colour}``: a fact, said in one of its phrasings; the template is used only for scenes that have the fact;
- ``{hit/hits}``: singular or plural by the fact ``count``;
- ``(struck|beaten|)``: one of these, any of which may be empty;
- ``[in {place}]``: said or left out by chance, and left out when a fact in it is missing.

"a" becomes "an" where it must. A scene with two things names their facts apart, as in ``{bell_colour}``; such a fact is
said in the phrasings of "colour", and ``{bell:ring/rings}`` goes by ``bell_count``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from harmony.data.world.chance import Chance
from harmony.data.world.types import Captions

OPTIONAL = 0.8  # how often a [part] is said
_COUNTED = ("count", "times", "tempo", "speed", "rate")  # what a caption without counts must not say

_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"}
# fact -> value -> phrasings; the first is the plain one and comes up most ("" says nothing).
# No phrasing: not spoken of.
PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "colour": {
        "red": ("red", "crimson"),
        "orange": ("orange",),
        "yellow": ("yellow", "golden"),
        "green": ("green",),
        "blue": ("blue",),
        "purple": ("purple", "violet"),
        "pink": ("pink",),
        "white": ("white",),
        "brown": ("brown",),
        "gray": ("gray", "grey"),
        "black": ("black",),
    },
    "size": {"small": ("small", "little"), "big": ("big", "large"), "medium": ()},
    "place": {
        "indoors": ("indoors", "in a room", "inside"),
        "day": ("outdoors", "outside", "during the day", "by day"),
        "night": ("at night", "in the dark"),
    },
    "position": {
        "left": ("on the left", "to the left"),
        "centre": ("", "in the middle", "in the center"),
        "right": ("on the right", "to the right"),
    },
    "pitch": {"low": ("low", "deep"), "high": ("high", "high-pitched"), "medium": ()},
    "loudness": {"soft": ("soft", "quiet"), "loud": ("loud",), "medium": ()},
    "tempo": {"fast": ("quickly", "fast", "rapidly"), "slow": ("slowly",), "medium": (), "none": ()},
    "how": {"soft": ("softly", "quietly"), "loud": ("loudly",), "medium": ()},
    "force": {"soft": ("gently", "softly"), "loud": ("hard",), "medium": ()},
    "count": {"zero": ()} | {word: (word, digit) for word, digit in _NUMBERS.items()},
    "times": {"zero": (), "one": ("once", "one time"), "two": ("twice", "two times", "2 times")}
    | {word: (f"{word} times", f"{digit} times") for word, digit in list(_NUMBERS.items())[2:]},
}
PHRASES["times"]["three"] += ("thrice",)
# For kinds that are seen in halls and caves too.
ROOMY = {"place": PHRASES["place"] | {"hall": ("in a hall", "in a big hall"), "cave": ("in a cave",)}}
# Facts that can be said as another part of speech too.
_ALSO = {"count": ("times",), "loudness": ("how", "force"), "material": ("stuff",)}
SILENCE = ("silence", "nothing is heard", "no sound [at all]", "complete silence", "it is quiet, no sound")


@dataclass(frozen=True)
class Phrasebook:
    """All templates of one scene kind.

    Attributes:
        video, audio: for the picture and for the sound.
        silent_video, silent_audio: the same when the scene's count is "zero" (leave empty where that cannot be).
        phrases: phrasings of this kind's own facts, in the form of ``PHRASES``; they go before the common ones.
    """

    video: tuple[str, ...]
    audio: tuple[str, ...]
    silent_video: tuple[str, ...] = ()
    silent_audio: tuple[str, ...] = ()
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def describe(self, attributes: Mapping[str, str], rng: Chance, *, shared: float = 0.15) -> Captions:
        """One set of captions. With probability ``shared`` the sound is described by a picture's sentence,
        because people often write one caption for both."""
        facts = self._facts(attributes)
        silent = attributes.get("count") == "zero"
        video = self.silent_video if silent else self.video
        audio = self.silent_audio if silent else self.audio
        if rng.child("shared").flip(shared):
            audio = video
        plain = {name: phrasings for name, phrasings in facts.items() if _last(name) not in _COUNTED}
        return Captions(
            video=_pick(video, facts, rng.child("video")),
            audio=_pick(audio, facts, rng.child("audio")),
            video_plain=_pick(video, plain, rng.child("plain")),
        )

    def words(self) -> set[str]:
        """Every word that these templates and phrasings can make."""
        found: set[str] = set()
        for template in (*self.video, *self.audio, *self.silent_video, *self.silent_audio):
            _collect(_parse(template), self._table, found)
        return found | {"an"} if "a" in found else found

    def _table(self, name: str) -> Iterable[str]:
        table = self._phrasings(name)
        if not table:
            raise KeyError(f"no phrasings are known for the fact '{name}'")
        return (phrase for phrasings in table.values() for phrase in phrasings)

    def _phrasings(self, name: str) -> Mapping[str, tuple[str, ...]]:
        return self.phrases.get(name) or self.phrases.get(_last(name)) or PHRASES.get(_last(name), {})

    def _facts(self, attributes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        facts = {}
        for name, value in attributes.items():
            said_as = (name, *(name.removesuffix(_last(name)) + other for other in _ALSO.get(_last(name), ())))
            for fact in said_as:
                phrasings = self._phrasings(fact).get(value, ())
                if phrasings:
                    facts[fact] = phrasings
        return facts


def _last(name: str) -> str:
    """ "colour" of "bell_colour"."""
    return name.rpartition("_")[2]


def words_of(text: str) -> list[str]:
    """The words of a caption: lower case, inner apostrophes and hyphens kept."""
    return re.findall(r"[^\W_]+(?:['-][^\W_]+)*", text.lower())


# -- the grammar ---------------------------------------------------------------------------------

_TOKEN = re.compile(r"\{[^}]*\}|[\[\]()|]|[^\[\](){}|]+")


@dataclass(frozen=True)
class _Text:
    text: str


@dataclass(frozen=True)
class _Slot:
    name: str


@dataclass(frozen=True)
class _Plural:
    fact: str
    one: str
    many: str


@dataclass(frozen=True)
class _Choice:
    options: tuple[tuple, ...]
    optional: bool = False


@lru_cache(maxsize=4096)
def _parse(template: str) -> tuple:
    tokens = _TOKEN.findall(template)
    if "".join(tokens) != template:
        raise ValueError(f"unbalanced braces in the caption template '{template}'")
    sequences, position = _parse_options(tokens, 0, None)
    if position != len(tokens) or len(sequences) != 1:
        raise ValueError(f"unbalanced brackets in the caption template '{template}'")
    return sequences[0]


def _parse_options(tokens: Sequence[str], position: int, closing: str | None) -> tuple[list[tuple], int]:
    """Sequences separated by | up to ``closing``, and the position behind it."""
    options, nodes = [], []
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token == closing:
            return [*options, tuple(nodes)], position
        if token in "([":
            inner, position = _parse_options(tokens, position, ")" if token == "(" else "]")
            nodes.append(_Choice(tuple(inner), optional=token == "["))
        elif token == "|":
            options.append(tuple(nodes))
            nodes = []
        elif token in ")]":
            break
        else:
            nodes.append(_leaf(token))
    if closing is not None:
        raise ValueError(f"a caption template misses its '{closing}'")
    return [*options, tuple(nodes)], position


def _leaf(token: str) -> _Text | _Slot | _Plural:
    if not token.startswith("{"):
        return _Text(token)
    name, slash, many = token[1:-1].partition("/")
    thing, colon, one = name.rpartition(":")
    return _Plural(f"{thing}_count" if colon else "count", one, many) if slash else _Slot(name)


def _possible(nodes: tuple, facts: Mapping[str, tuple[str, ...]]) -> bool:
    """Does the scene have every fact that this sequence cannot do without?"""
    for node in nodes:
        if isinstance(node, _Slot) and node.name not in facts:
            return False
        if isinstance(node, _Plural) and node.fact not in facts:
            return False
        if isinstance(node, _Choice) and not node.optional and not any(_possible(o, facts) for o in node.options):
            return False
    return True


def _pick(templates: Sequence[str], facts: Mapping[str, tuple[str, ...]], rng: Chance) -> str:
    """One sentence from the templates that this scene can fill."""
    usable = [nodes for nodes in map(_parse, templates) if _possible(nodes, facts)]
    if not usable:
        raise ValueError(f"no caption template can be filled from the facts {sorted(facts)}")
    text = " ".join(_expand(rng.choice(usable), facts, rng).split())
    text = re.sub(r"\s+([,.!])", r"\1", text).strip(" ,")
    return re.sub(r"\ba(?= [aeiou])", "an", text)


def _expand(nodes: tuple, facts: Mapping[str, tuple[str, ...]], rng: Chance) -> str:
    parts = []
    for node in nodes:
        if isinstance(node, _Text):
            parts.append(node.text)
        elif isinstance(node, _Plural):
            parts.append(node.one if facts[node.fact][0] == "one" else node.many)
        elif isinstance(node, _Slot):
            phrasings = facts[node.name]
            parts.append(rng.choice(phrasings, weights=[2.0] + [1.0] * (len(phrasings) - 1)))
        elif not node.optional or rng.flip(OPTIONAL):
            possible = [option for option in node.options if _possible(option, facts)]
            if possible:
                parts.append(_expand(rng.choice(possible), facts, rng))
    return "".join(parts)


def _collect(nodes: tuple, table, found: set[str]) -> None:
    for node in nodes:
        if isinstance(node, _Text):
            found.update(words_of(node.text))
        elif isinstance(node, _Plural):
            found.update(words_of(f"{node.one} {node.many}"))
        elif isinstance(node, _Slot):
            for phrase in table(node.name):
                found.update(words_of(phrase))
        else:
            for option in node.options:
                _collect(option, table, found)
