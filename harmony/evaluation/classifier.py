"""Was the caption obeyed? A small classifier of the tiny world: the kind of scene and its visible attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

# Who sings and who talks, who takes turns and who does not: that is how mouths move, and eight pictures do not show it.
# These kinds count as one; who speaks when is judged by other figures (``turns_taken``, the sound's kind).
LOOKS_LIKE = {"sing": "face", "dialogue": "two_faces"}


def looks_like(kind: str) -> str:
    """The kind of scene that this one looks like."""
    return LOOKS_LIKE.get(kind, kind)


class SceneClassifier(ModelMixin, ConfigMixin):
    """Frames to class scores: one head for the kind, one for every visible attribute.

    Args:
        classes: the values of each head, such as ``{"kind": ["bell", "drum"], "colour": ["blue", "red"]}``.
        width: channels.
        num_frames: frames that are looked at, spread evenly over the clip.
    """

    @register_to_config
    def __init__(self, *, classes: dict[str, list[str]], width: int = 32, num_frames: int = 8) -> None:
        super().__init__()
        self.size = 64
        self.look = nn.Sequential(
            nn.Conv2d(6, width, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(2 * width, 3 * width, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(3 * width, 4 * width, 3, stride=2, padding=1), nn.GELU(),
        )  # fmt: skip
        self.gather = nn.Sequential(nn.Linear(8 * width * 16, 5 * width), nn.GELU(), nn.Dropout(0.2))
        self.heads = nn.ModuleDict({name: nn.Linear(5 * width, len(values)) for name, values in classes.items()})

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """(B, F, 3, H, W) in [0, 1] to scores (B, number of classes) per head."""
        x = self.embed(frames)
        return {name: head(x) for name, head in self.heads.items()}

    def embed(self, frames: Tensor) -> Tensor:
        """(B, F, 3, H, W) in [0, 1] to (B, 5 * width): what the heads judge by."""
        batch = frames.shape[0]
        chosen = frames[:, self.chosen_frames(frames.shape[1])]
        x = F.interpolate(rearrange(chosen, "b f c h w -> (b f) c h w"), (self.size, self.size), mode="area")
        x = rearrange(x, "(b f) c h w -> b f c h w", b=batch)
        # What differs from the clip's usual look is what moves: thin rain is hard to see otherwise.
        x = torch.cat([x - 0.5, x - x.median(dim=1, keepdim=True).values], dim=2)
        x = rearrange(self.look(x.flatten(0, 1)), "(b f) c h w -> b f (c h w)", b=batch)
        # The mean over time knows colours, the maximum knows what appears only for a moment.
        return self.gather(torch.cat([x.mean(1), x.amax(1)], dim=-1))

    def chosen_frames(self, num_frames: int) -> Tensor:
        """Which frames of a clip are looked at, (config.num_frames,)."""
        return torch.linspace(0, num_frames - 1, self.config.num_frames).round().long()

    def predict(self, frames: Tensor) -> list[dict[str, str]]:
        """The most likely value of every head, a dict per clip; kinds by what they look like."""
        with torch.no_grad():
            scores = self(frames)
        best = {name: score.argmax(-1).tolist() for name, score in scores.items()}
        classes = self.config.classes
        found = [{name: classes[name][best[name][b]] for name in best} for b in range(frames.shape[0])]
        return [values | {"kind": looks_like(values["kind"])} for values in found]


def classifier_loss(scores: Mapping[str, Tensor], labels: Sequence[Mapping[str, str]], classes: Mapping) -> Tensor:
    """Mean cross-entropy over the heads; a clip without an attribute does not train that head."""
    losses = []
    for name, score in scores.items():
        values = classes[name]
        rows = [(b, values.index(label[name])) for b, label in enumerate(labels) if label.get(name) in values]
        if rows:
            index, target = (torch.tensor(column) for column in zip(*rows, strict=True))
            losses.append(F.cross_entropy(score[index], target))
    return torch.stack(losses).mean()
