"""A training, written down: YAML files become these dataclasses; an unknown or impossible entry is an error.

The three stages of the paper are three files: ``configs/tiny-stage1.yaml`` (sound alone, the voice's reference is cut
from the clip itself), ``tiny-stage2.yaml`` (the reference is another utterance of the same voice) and
``tiny-stage3.yaml`` (picture and sound, with all three losses).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from harmony.guidance import first_problem
from harmony.models.config import HarmonyConfig

CONFIG_FOLDER = Path(__file__).parent / "configs"
STRICT = ConfigDict(extra="forbid")
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
TaskName = Literal["joint", "audio_driven_video", "video_driven_audio"]


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Which clips are seen.

    Attributes:
        caches: latent caches, by name below ``$HARMONY_CACHE/latents`` or as folders; all are one pool.
        validation: the cache of held-out clips, ``None`` for no validation.
        mix: shares of the groups "ambient", "speech" and "complex"; groups without clips are left out.
        refresh_minutes: how often new shards are looked for.
        exclude_kinds: scene kinds that are left out.
        video_latents: so many of a clip's latents are shown, the first one and others drawn by chance; ``None``: all.
            What a caption says of a whole picture can be learned from a few, at a fraction of the cost.
    """

    caches: tuple[str, ...] = ("train",)
    validation: str | None = "val"
    mix: dict[str, Share] = Field(default_factory=lambda: {"ambient": 0.5, "speech": 0.25, "complex": 0.25})
    refresh_minutes: float = 2.0
    exclude_kinds: tuple[str, ...] = ()
    video_latents: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, config=STRICT)
class ModelConfig:
    """What is trained: a preset of :class:`HarmonyConfig` with changes, and the two text encoders."""

    preset: Literal["tiny", "micro", "paper", "ovi"] = "tiny"
    changes: dict[str, Any] = Field(default_factory=dict)
    caption_layers: int = 2
    caption_heads: int = 4
    transcript_blocks: int = 3

    def harmony_config(self) -> HarmonyConfig:
        return getattr(HarmonyConfig, self.preset)(**self.changes)


@dataclass(frozen=True, config=STRICT)
class TaskConfig:
    """Cross-task synergy, L = L_joint + lambda_video L(audio-driven video) + lambda_audio L(video-driven audio).

    Attributes:
        cross_task: ``literal`` (three passes with one noise draw), ``sampled`` (one task a clip), or no synergy: one
            task's name for that task alone.
        lambda_video: weight of the audio-driven *video* loss (paper: 0.1).
        lambda_audio: weight of the video-driven *audio* loss (paper: 0.3).
        probabilities: of (joint, audio-driven, video-driven) when sampled.
        weighting: of sampled tasks. ``exact``: (1, lambda_video, lambda_audio) / probabilities, which equals the
            literal loss in expectation; ``plain``: every task counts 1.
        anchor_share: share of clips shown as a pair of silence and still picture, SyncCFG's anchors.
    """

    cross_task: Literal["literal", "sampled"] | TaskName = "sampled"
    lambda_video: Annotated[float, Field(ge=0.0)] = 0.1
    lambda_audio: Annotated[float, Field(ge=0.0)] = 0.3
    probabilities: tuple[Positive, Positive, Positive] = (0.5, 0.25, 0.25)
    weighting: Literal["exact", "plain"] = "exact"
    anchor_share: Share = 0.0

    @model_validator(mode="after")
    def _probabilities_sum_to_one(self) -> TaskConfig:
        if abs(sum(self.probabilities) - 1) > 1e-6:
            raise ValueError(f"the task probabilities must sum to 1, got {self.probabilities}")
        return self


@dataclass(frozen=True, config=STRICT)
class LossConfig:
    """Flow matching.

    Attributes:
        density: of t before the shift: ``logit_normal`` with ``mean`` and ``std``, or ``uniform``.
        shift: sigma = shift t / (1 + (shift - 1) t).
        noisiest_share: share of clips with sigma evenly in [0.97, 1] instead. What a whole picture has in common
            (its light, its colours) shows through any less noise, so only there it has to be read from the caption.
        stratified: the t of one batch are spread evenly over the density (less noise, same expectation).
        motion_weight: 0 for none; else w = 1 + motion_weight clamp(rms_c(z - median_t z), 0, 1), see ``losses``.
        first_frame_batches: share of batches in which clips may be given their first frame;
        first_frame_clips: share of clips given it in those batches.
    """

    density: Literal["logit_normal", "uniform"] = "logit_normal"
    mean: float = 0.0
    std: Positive = 1.1
    shift: Positive = 1.0
    noisiest_share: Share = 0.0
    stratified: bool = True
    motion_weight: Annotated[float, Field(ge=0.0)] = 6.0
    first_frame_batches: Share = 0.25
    first_frame_clips: Share = 0.8


@dataclass(frozen=True, config=STRICT)
class ShownConfig:
    """With which conditions a clip is shown in one task; all draws are independent.

    Attributes:
        drop_video_caption, drop_audio_caption: how often a caption is left out.
        drop_all_text: how often captions and transcript are left out together (text guidance needs that).
        plain_caption: how often the picture's caption says no counts and no tempo.
        transcript: shares of (tokens and timing track, tokens only, track only, nothing), for clips with speech.
        drop_reference: how often a clip with a voice goes without its reference, where the batch has references.
    """

    drop_video_caption: Share = 0.1
    drop_audio_caption: Share = 0.1
    drop_all_text: Share = 0.05
    plain_caption: Share = 0.0
    transcript: tuple[Share, Share, Share, Share] = (0.40, 0.35, 0.10, 0.15)
    drop_reference: Share = 0.1

    @model_validator(mode="after")
    def _transcript_sums_to_one(self) -> ShownConfig:
        if abs(sum(self.transcript) - 1) > 1e-6:
            raise ValueError(f"the four transcript shares must sum to 1, got {self.transcript}")
        return self


@dataclass(frozen=True, config=STRICT)
class ConditionConfig:
    """Conditions per task, and what is decided for whole batches.

    Attributes:
        joint, audio_driven_video, video_driven_audio: see :class:`ShownConfig`; users give less in driven tasks.
        one_caption: share of clips whose two streams get one and the same text: half of them the picture's caption,
            half of them both captions in one.
        reference: where the voice reference comes from.
        reference_batches: share of batches with references; the others are cheaper.
        reference_seconds: shortest and longest reference; one length is drawn per batch.
    """

    joint: ShownConfig = ShownConfig()
    audio_driven_video: ShownConfig = ShownConfig(
        drop_audio_caption=0.6, plain_caption=0.6, transcript=(0.10, 0.30, 0.05, 0.55), drop_reference=0.5
    )
    video_driven_audio: ShownConfig = ShownConfig(
        drop_video_caption=0.6, drop_audio_caption=0.5, transcript=(0.15, 0.35, 0.0, 0.50), drop_reference=0.2
    )
    one_caption: Share = 0.15
    reference: Literal["same_clip", "other_clip"] = "other_clip"
    reference_batches: Share = 0.5
    reference_seconds: tuple[Positive, Positive] = (1.0, 2.0)


@dataclass(frozen=True, config=STRICT)
class OptimizerConfig:
    """AdamW on float32 master weights, and the exponential moving average that is exported.

    Attributes:
        lr: highest learning rate; warmup_steps: until it is reached.
        decay_share: the last share of the steps, in which it falls linearly to 0.
        ema_decay: highest decay; step n uses min(ema_decay, (1 + n) / (10 + n)).
    """

    lr: Positive = 1.2e-3
    betas: tuple[Share, Share] = (0.9, 0.95)
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01
    warmup_steps: Annotated[int, Field(ge=0)] = 150
    decay_share: Share = 0.4
    grad_clip: Positive = 1.0
    ema_decay: Share = 0.999


@dataclass(frozen=True, config=STRICT)
class RunConfig:
    """How long, how often, and where to.

    Attributes:
        steps: optimizer steps of the whole run; the schedules go by them.
        total_minutes: the run is over after so much training in all, if ``steps`` have not ended it before; the
            learning rate falls by whichever is nearer. For machines that are lent by the hour.
        max_minutes: stop and save after so much time of one call; the same command goes on from there.
        batch_size: clips per process and pass; accumulate: batches per step.
        threads: CPU threads; None leaves torch's choice.
        workers: processes that make batches ahead of their use; 0 makes them in turn with the steps.
        precision: ``auto``, ``float32`` or ``bfloat16`` (weights and activations; masters are float32 anyway).
        cuda_graphs: launch forward and backward as one, see ``step_graph``; on GPUs, for small models.
        log_steps: steps per line of the learning curve.
        save_minutes, validate_minutes: between checkpoints and between validations.
        validation_clips: held-out clips that are looked at.
    """

    steps: Annotated[int, Field(ge=1)] = 4000
    total_minutes: Positive | None = None
    max_minutes: float | None = None
    batch_size: Annotated[int, Field(ge=1)] = 32
    accumulate: Annotated[int, Field(ge=1)] = 1
    threads: int | None = 1
    workers: Annotated[int, Field(ge=0)] = 1
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    cuda_graphs: bool = False
    log_steps: Annotated[int, Field(ge=1)] = 20
    save_minutes: Positive = 5.0
    validate_minutes: Positive = 10.0
    validation_clips: Annotated[int, Field(ge=1)] = 64


@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """One run. ``name`` is its folder below ``$HARMONY_CACHE/runs``.

    Attributes:
        streams: ``audio`` (stages 1 and 2), ``both`` (stage 3) or ``video`` (the picture alone, see tiny-captions).
        init_from: a run's name, a run's folder or an exported checkpoint to start from.
        init_other, init_other_share: a second one, and its share in a weighted mean of both. Weights that were tuned
            for one thing, averaged with those they came from, keep most of the new and get back most of the old.
        train_only: parts of parameters' names; all others stay as they are. Empty: everything learns.
        seed: of everything that is drawn.
    """

    name: str
    streams: Literal["audio", "video", "both"] = "both"
    init_from: str | None = None
    init_other: str | None = None
    init_other_share: Share = 0.5
    train_only: tuple[str, ...] = ()
    seed: int = 0
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    tasks: TaskConfig = TaskConfig()
    loss: LossConfig = LossConfig()
    conditions: ConditionConfig = ConditionConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    run: RunConfig = RunConfig()

    @classmethod
    def load(cls, path: str | Path, overrides: list[str] | None = None) -> TrainingConfig:
        """Read a YAML file; a bare name such as ``tiny-stage3`` means one of the files that come with the package.

        Args:
            path: the file.
            overrides: entries such as ``run.steps=6000`` or ``loss.shift=1.5``, written as in YAML.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: with one sentence about the first entry that is unknown or impossible.
        """
        found = _find(path)
        try:
            fields = yaml.safe_load(found.read_text(encoding="utf-8")) or {}
            for override in overrides or []:
                _set(fields, override)
        except yaml.YAMLError as error:
            raise ValueError(f"'{found}' is no valid YAML: {error}") from error
        return cls.from_fields(fields, name=found.stem)

    @classmethod
    def from_fields(cls, fields: dict[str, Any], *, name: str | None = None) -> TrainingConfig:
        """From nested dictionaries, as a YAML file has them; ``name`` is what an error calls it.

        Raises:
            ValueError: with one sentence about the first entry that is unknown or impossible.
        """
        try:
            return _CONFIG.validate_python(fields)
        except ValidationError as error:
            name = name or fields.get("name", "without a name")
            raise ValueError(f"the training '{name}' cannot be read: {first_problem(error)}") from error

    def to_yaml(self) -> str:
        return yaml.safe_dump(_CONFIG.dump_python(self, mode="json"), sort_keys=False, allow_unicode=True)


_CONFIG = TypeAdapter(TrainingConfig)


def _find(path: str | Path) -> Path:
    for candidate in (Path(path), CONFIG_FOLDER / f"{path}.yaml"):
        if candidate.is_file():
            return candidate
    known = ", ".join(sorted(file.stem for file in CONFIG_FOLDER.glob("*.yaml")))
    raise FileNotFoundError(f"there is no training file '{path}'; give a YAML file or one of: {known}")


def _set(fields: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals:
        raise ValueError(f"an override must look like run.steps=6000, got '{override}'")
    *path, last = key.strip().split(".")
    for name in path:
        fields = fields.setdefault(name, {})
    fields[last] = yaml.safe_load(value)
