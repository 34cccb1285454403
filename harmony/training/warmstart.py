"""Start from other weights: a run's moving average, or an exported checkpoint.

The new model may know more words or have more layers than the old one; what has no counterpart keeps its fresh
weights, and is reported by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from harmony.data.home import cache_home
from harmony.models.text import CaptionTokenizer
from harmony.training.checkpoint import STATE_NAME, TOKENIZER_FOLDER, read_part
from harmony.training.trainee import COMPONENTS, Trainee, load_tokenizer

_WORDS = "text_encoder.word.weight"


@dataclass(frozen=True)
class WarmStart:
    """What became of each parameter, by name.

    Attributes:
        taken: copied whole.
        grown: copied as far as the old one reached (more words, more positions).
        fresh: not in the old weights, or of another shape.
        unused: in the old weights only.
    """

    taken: tuple[str, ...]
    grown: tuple[str, ...]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"{len(self.taken)} parameters taken over"]
        for label, names in (("grown", self.grown), ("fresh", self.fresh), ("unused", self.unused)):
            if names:
                parts.append(f"{len(names)} {label}: {', '.join(names)}")
        return "; ".join(parts)


def warm_start(model: Trainee, source: str | Path) -> WarmStart:
    """Copy weights into a model that has not been moved into flat storage yet.

    Args:
        source: a run's name below ``$HARMONY_CACHE/runs``, a run's folder, or an exported checkpoint's folder.
    """
    folder = find_source(source)
    old, old_tokenizer = read_source(folder)
    return copy_weights(model, old, old_tokenizer)


@torch.no_grad()
def blend(model: Trainee, source: str | Path, *, share: float) -> WarmStart:
    """Move a model's weights towards those of ``source`` by ``share`` (0: as they are, 1: those of the source)."""
    own = {name: parameter.clone() for name, parameter in model.named_parameters()}
    found = warm_start(model, source)
    for name, parameter in model.named_parameters():
        parameter.copy_(torch.lerp(own[name], parameter, share))
    return found


def find_source(source: str | Path) -> Path:
    """The folder that ``init_from`` means.

    Raises:
        FileNotFoundError: if there is neither a run nor a checkpoint.
    """
    for folder in (Path(source), cache_home() / "runs" / source):
        if (folder / STATE_NAME).is_file() or (folder / "model_index.json").is_file():
            return folder
    raise FileNotFoundError(f"there is no run and no checkpoint '{source}' to start from")


def read_source(folder: Path) -> tuple[dict[str, Tensor], CaptionTokenizer]:
    """The averaged weights by name, float32, and the tokenizer of a run or an exported checkpoint."""
    tokenizer = load_tokenizer(folder / TOKENIZER_FOLDER)
    if (folder / STATE_NAME).is_file():
        return read_part(folder, "ema"), tokenizer
    weights = {}
    for component, kind in COMPONENTS.items():
        state = kind.from_pretrained(str(folder / component), torch_dtype=torch.float32).state_dict()
        weights |= {f"{component}.{name}": tensor for name, tensor in state.items()}
    return weights, tokenizer


@torch.no_grad()
def copy_weights(model: Trainee, old: Mapping[str, Tensor], old_tokenizer: CaptionTokenizer) -> WarmStart:
    """Copy what fits by name; word embeddings go by the word, not by its number."""
    taken, grown, fresh = [], [], []
    tables = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.Embedding)}
    for name, parameter in model.named_parameters():
        if name not in old or not _fits(parameter, old[name], is_table=name in tables):
            fresh.append(name)
        elif name == _WORDS:
            whole = _copy_words(parameter, old[name], model.tokenizer, old_tokenizer)
            (taken if whole else grown).append(name)
        else:
            rows = min(len(parameter), len(old[name]))
            parameter[:rows] = old[name][:rows]
            (taken if parameter.shape == old[name].shape else grown).append(name)
    known = {name for name, _ in model.named_parameters()}
    unused = [name for name in old if name not in known]
    return WarmStart(tuple(taken), tuple(grown), tuple(fresh), tuple(unused))


def _fits(new: Tensor, old: Tensor, *, is_table: bool) -> bool:
    """Equal shapes; embedding tables may differ in length."""
    return new.shape[1:] == old.shape[1:] if is_table else new.shape == old.shape


def _copy_words(new: Tensor, old: Tensor, tokenizer: CaptionTokenizer, old_tokenizer: CaptionTokenizer) -> bool:
    """Copy the rows of known words; True if every word was known."""
    old_ids = old_tokenizer.get_vocab()
    pairs = [(row, old_ids[word]) for word, row in tokenizer.get_vocab().items() if word in old_ids]
    rows, old_rows = (torch.tensor(side) for side in zip(*pairs, strict=True))
    new[rows] = old[old_rows].to(new)
    return len(pairs) == len(new)
