"""What all layers of one forward pass share, and the state that they pass on.

Shape letters: B clips, S tokens, D width, G groups of tokens with one timestep each (1, one per latent, or one per
token), R reference tokens, A audio latents, L text tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from harmony.models.geometry import SharedClock
from harmony.models.rotary import Rotation


class Tokens(NamedTuple):
    """The state: video (B, S, D_v), audio [z_r ; x_a] (B, R + A, D_a), text of the ``joint`` form (B, L, D_a)."""

    video: Tensor | None = None
    audio: Tensor | None = None
    text: Tensor | None = None


@dataclass(frozen=True)
class TextInputs:
    """Keys of one text attention: tokens (B, L, D), mask (B, L) or ``None``, and rotations where text has positions."""

    tokens: Tensor
    mask: Tensor | None = None
    rotation_query: Rotation | None = None
    rotation_key: Rotation | None = None


@dataclass(frozen=True)
class JointInputs:
    """Of text tokens inside the audio self-attention: adaLN rows (B, 1, 6, D), rotation, and mask (B, L)."""

    rows: Tensor
    rotation: Rotation
    mask: Tensor


@dataclass(frozen=True)
class StreamInputs:
    """What one stream's layers share.

    Attributes:
        rows: (B, G, 6, D) adaLN rows of the timesteps.
        rotation: of the self-attention's tokens.
        mask: (B, S) bool, which tokens are real; ``None`` = all.
        num_reference: R, the tokens in front that are no target.
        caption, transcript: keys of the text attentions (``cross`` form).
        joint: ``joint`` form.
    """

    rows: Tensor
    rotation: Rotation
    mask: Tensor | None = None
    num_reference: int = 0
    caption: TextInputs | None = None
    transcript: TextInputs | None = None
    joint: JointInputs | None = None


@dataclass(frozen=True)
class LayerInputs:
    """Everything a layer is told.

    Attributes:
        clock: rotations and windows of the interaction; ``None``: one stream runs alone.
        keep: (B, 1, 1), 1 for clips whose streams interact, else 0; ``None`` = all 1.
    """

    video: StreamInputs | None = None
    audio: StreamInputs | None = None
    clock: SharedClock | None = None
    keep: Tensor | None = None
