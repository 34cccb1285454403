"""What is compared: trainings that differ in one thing each, and guidance that needs no training.

The model is one small configuration, frozen before the first run. All runs see the same clips in the same order with
the same seeds; what a row changes is all that differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harmony.guidance import GuidanceTerm
from harmony.training.config import TrainingConfig

IMPACTS = ("drum", "lamp", "hammer", "knock")
KINDS = (*IMPACTS, "face")
CACHE = "ablation"
BATCH_SIZE = 64
# Constant rate and averaged weights: every checkpoint on the way is as good as a run that was meant to end there.
_BASE: dict[str, Any] = {
    "streams": "both",
    "data": {"caches": [CACHE], "validation": None, "mix": {"ambient": 0.7, "speech": 0.3}},
    "model": {
        "preset": "tiny",
        "changes": {
            "patch_size": [1, 2, 2], "spatial_positions": [2, 2], "num_layers": 4, "num_heads_video": 6,
            "num_heads_audio": 4, "ffn_dim_video": 512, "ffn_dim_audio": 384, "text_dim": 96, "transcript_dim": 96,
        },
        "caption_layers": 1,
        "caption_heads": 4,
        "transcript_blocks": 2,
    },
    "loss": {"shift": 2.5, "noisiest_share": 0.1, "motion_weight": 3.0, "first_frame_batches": 0.0},
    "conditions": {"reference_batches": 0.25, "reference_seconds": [1.5, 1.5]},
    "optimizer": {"lr": 1.5e-3, "warmup_steps": 40, "decay_share": 0.0, "grad_clip": 2.0, "ema_decay": 0.99},
    "run": {
        "batch_size": BATCH_SIZE, "workers": 0, "threads": 1, "cuda_graphs": True, "save_minutes": 60.0,
        "validate_minutes": 1e6,
    },
}  # fmt: skip
_GLOBAL = {"interaction_window": None, "rope_alignment": "native", "style": False}


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        name: of its runs and results.
        label: in tables.
        model: changes of the model's shape.
        tasks: of ``TaskConfig``.
        passes: forward passes a step.
    """

    name: str
    label: str
    model: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, Any] = field(default_factory=lambda: {"cross_task": "joint"})
    passes: int = 1

    @property
    def has_everything(self) -> bool:
        """Local interaction, style, alignment and cross-task synergy."""
        return not self.model and self.tasks["cross_task"] in ("literal", "sampled")

    def config(self, seed: int, *, steps: int) -> TrainingConfig:
        """The training with ``seed``, to be gone on with up to ``steps``."""
        fields = _merged(_BASE, {"model": {"changes": dict(self.model)}, "tasks": dict(self.tasks)})
        fields |= {"name": f"ablation-{self.name}-{seed}", "seed": seed}
        return TrainingConfig.from_fields(_merged(fields, {"run": {"steps": steps, "log_steps": 50}}))


ROWS: tuple[Row, ...] = (
    Row("global", "global attention, native indices (baseline)", _GLOBAL),
    Row("gldi", "+ GLDI: local window and style", {"rope_alignment": "native"}),
    Row("aligned", "+ RoPE alignment"),
    Row("synergy", "+ cross-task synergy (the paper's three passes)", tasks={"cross_task": "literal"}, passes=3),
    Row("synergy-sampled", "+ cross-task synergy, one task a clip", tasks={"cross_task": "sampled"}),
    Row("no-style", "GLDI without style, native indices", {"rope_alignment": "native", "style": False}),
    Row("audio-driven", "audio-driven only (Figure 3)", tasks={"cross_task": "audio_driven_video"}),
    Row("paper-clock", "exploratory: RoPE alignment by the paper's ratio", {"rope_alignment": "paper"}),
    Row("window-0", "exploratory: window of one latent", {"interaction_window": 0.0}),
    Row("window-2", "exploratory: window of two latents each way", {"interaction_window": 2.0}),
)  # fmt: skip
MAIN = ("global", "gldi", "aligned", "synergy", "synergy-sampled", "no-style", "audio-driven")


@dataclass(frozen=True)
class Way:
    """How clips are made with a trained row: guidance, and whether the true sound is given."""

    name: str
    label: str
    terms: tuple[GuidanceTerm, ...] = ()
    driven: bool = False


def _scaled(kind: str, scale: float) -> tuple[GuidanceTerm, ...]:
    return (GuidanceTerm(kind, scale, scale),)


PLAIN = Way("plain", "no guidance")
DRIVEN = Way("driven", "for the true sound", driven=True)
SCALES = (1.5, 2.0, 3.0)
# On the finished row with everything in it: SyncCFG, what it is compared with, and its other anchor.
GUIDED: tuple[Way, ...] = tuple(
    Way(f"{kind}-{scale:g}", f"{label}, scale {scale:g}", _scaled(kind, scale))
    for kind, label in (("sync", "SyncCFG"), ("text", "text guidance (Eq. 8)"), ("isolated", "isolated streams"))
    for scale in SCALES
)


def _merged(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Nested dictionaries with some entries changed."""
    found = dict(fields)
    for key, value in changes.items():
        old = found.get(key)
        found[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return found
