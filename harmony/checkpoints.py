"""A checkpoint: the parts of a pipeline, their folder, and how they are named in ``model_index.json``.

diffusers names a component of another package by its module path, and opens it only if that module offers diffusers'
base classes too. We name our classes by the package alone, ``["harmony", "HarmonyTransformer"]``: files may then move
inside the package without breaking a saved checkpoint. ``harmony/__init__.py`` offers what diffusers looks for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from torch import Tensor
from typing_extensions import Self

import harmony
from harmony.guidance import GuidanceConfig
from harmony.precision import cast, dtype_of, name_of
from harmony.prompts import family_named
from harmony.timeline import Timeline

# Nothing that could hold a pickle or code is ever fetched.
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.md", "*.model"]
_COMPUTING = ("transformer", "text_encoder", "transcript_encoder")  # what a dtype is for; codecs stay in float32
SAMPLE_RATE = 16_000  # of a checkpoint's clock while it has no sound codec
_HUB_OPTIONS = ("revision", "cache_dir", "token", "local_files_only", "force_download")


class HarmonyCheckpoint(DiffusionPipeline):
    """The components of a model, opened from and saved to one folder.

    Args:
        transformer: the two-stream model, :class:`~harmony.models.transformer.HarmonyTransformer`.
        text_encoder, tokenizer: of the captions.
        transcript_encoder: of what is said; ``None`` where captions carry the speech.
        video_codec, audio_codec: following :mod:`harmony.models.codecs.base`. Without a sound codec (Ovi's has a
            non-commercial licence) a checkpoint opens, but makes no clips.
        scheduler: a diffusers scheduler; its options are used by the solver of its own class.
        num_frames: of a clip when nobody says otherwise; max_num_frames: the longest clip the model makes.
        height, width: of a clip when nobody says otherwise.
        license: of the weights; goes into every request and saved clip.
        prompt_family: how the weights want to be told, see :mod:`harmony.prompts`; ``None``: fields apart.
        trained_for: what the weights learned, see :mod:`harmony.abilities`; ``None``: everything.
        pointing_heads: [layer, head] pairs whose V2A attention shows where a sound comes from, found on scenes whose
            sources are known; ``None``: nobody looked, a mean over all of them is drawn.

    Attributes:
        guidance: the checkpoint's defaults, from ``guidance_config.json``.
        batch_passes: whether the passes of a guided step are one batch when nobody says otherwise.
        opened_as: how it was opened for a small card, in words (:mod:`harmony.memory`); ``None``: as it is.
    """

    model_cpu_offload_seq = "text_encoder->transformer"
    # Offloading watches `forward`; these work through other methods (and are small), so they stay on the device.
    _exclude_from_cpu_offload = ["transcript_encoder", "video_codec", "audio_codec"]  # noqa: RUF012
    _optional_components = ["transcript_encoder", "audio_codec"]  # noqa: RUF012  (diffusers reads a list)

    def __init__(
        self,
        transformer: torch.nn.Module,
        text_encoder: torch.nn.Module,
        tokenizer: Any,
        transcript_encoder: torch.nn.Module | None,
        video_codec: torch.nn.Module,
        audio_codec: torch.nn.Module | None,
        scheduler: Any,
        num_frames: int = 33,
        max_num_frames: int = 33,
        height: int = 64,
        width: int = 64,
        license: str | None = None,
        prompt_family: str | None = None,
        trained_for: list[str] | None = None,
        pointing_heads: list[list[int]] | None = None,
    ) -> None:
        super().__init__()
        self.register_modules(
            transformer=transformer,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            transcript_encoder=transcript_encoder,
            video_codec=video_codec,
            audio_codec=audio_codec,
            scheduler=scheduler,
        )
        self.register_to_config(
            num_frames=num_frames, max_num_frames=max_num_frames, height=height, width=width, license=license,
            prompt_family=prompt_family, trained_for=trained_for, pointing_heads=pointing_heads,
        )  # fmt: skip
        self.prompt_family = family_named(prompt_family)
        self.guidance = GuidanceConfig.paper()
        self.batch_passes = True
        self.opened_as: str | None = None
        self._grey: dict[tuple[int, int, int], Tensor] = {}

    @property
    def timeline(self) -> Timeline:
        """The clock of a clip of default length."""
        model = self.transformer.config
        return Timeline(
            num_frames=self.config.num_frames,
            frame_rate=model.frame_rate,
            temporal_stride=model.temporal_stride,
            sample_rate=SAMPLE_RATE if self.audio_codec is None else self.audio_codec.sample_rate,
            audio_latent_rate=model.audio_latent_rate,
        )

    def prompt_as_told(
        self, *, prompt: str | None = None, audio_prompt: str | None = None, transcript: str | None = None
    ) -> str | None:
        """The one text that the model will read; ``None`` where it takes the fields apart.

        Raises:
            ValueError: if the fields contradict each other, see :meth:`harmony.prompts.PromptFamily.compile`.
        """
        if self.prompt_family is None:
            return None
        return self.prompt_family.compile(picture=prompt, sounds=audio_prompt, speech=transcript)

    @property
    def pointing(self) -> tuple[tuple[int, int], ...]:
        """The ``pointing_heads`` as an :class:`~harmony.models.recorder.AttentionRecorder` takes them."""
        return tuple((int(layer), int(head)) for layer, head in self.config.get("pointing_heads") or ())

    @property
    def model_id(self) -> str:
        """The checkpoint's hub id, or its folder's name (never a path: requests travel with the clips)."""
        name = str(self.config.get("_name_or_path") or "harmony")
        return Path(name).resolve().name if is_local(name) else name

    @property
    def precision(self) -> str:
        """What the transformer computes in: ``float32`` or ``bfloat16``."""
        return name_of(self.transformer.dtype)

    def use_precision(self, precision: str = "auto") -> Self:
        """Let the transformer compute in ``float32``, ``bfloat16`` or what is faster here (``auto``).

        Raises:
            ValueError: for another name, or when bfloat16 weights are asked to become float32 again.
        """
        dtype = dtype_of(precision, self.device)
        if dtype == torch.float32 and self.transformer.dtype != torch.float32:
            raise ValueError(f"the model is open in {self.precision}; open it again for float32")
        cast(self.transformer, dtype)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a device, as diffusers does; a dtype is for the models only, codecs stay in float32."""
        dtypes = [a for a in (*args, kwargs.pop("dtype", None)) if isinstance(a, torch.dtype)]
        rest = [a for a in args if not isinstance(a, torch.dtype)]
        if rest or kwargs:
            super().to(*rest, **kwargs)
        for dtype in dtypes:
            if dtype == torch.float16 and self.device.type == "cpu":
                raise ValueError("a CPU computes in float16 hundreds of times slower; use bfloat16 or float32")
            for name in _COMPUTING:
                if getattr(self, name) is not None:
                    cast(getattr(self, name), dtype)
        return self

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, *, precision: str | None = None, **kwargs: Any
    ) -> Self:
        """Open a checkpoint's folder or hub id, with its own guidance defaults. Only safetensors are read.

        Args:
            pretrained_model_name_or_path: the folder, or the id on the hub.
            precision: ``auto``, ``float32`` or ``bfloat16`` for the transformer; ``None`` leaves what diffusers loads.
            kwargs: of ``DiffusionPipeline.from_pretrained``: ``dtype`` (of the models; codecs open in float32),
                ``revision``, components, ...
        """
        name = str(pretrained_model_name_or_path)
        folder = local_folder(name, kwargs)
        dtype = kwargs.pop("dtype", None) or kwargs.pop("torch_dtype", None)
        if isinstance(dtype, torch.dtype):
            dtype = dict.fromkeys(_COMPUTING, dtype) | {"default": torch.float32}
        kwargs |= {} if dtype is None else {"dtype": dtype}
        pipe = super().from_pretrained(str(folder), **{"use_safetensors": True, **kwargs})
        pipe.register_to_config(_name_or_path=name)
        pipe.guidance = GuidanceConfig.load(folder)
        return pipe if precision is None else pipe.use_precision(precision)

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> None:
        """Write the whole checkpoint: components as safetensors, ``model_index.json``, ``guidance_config.json``."""
        name_components_by_package(self)
        super().save_pretrained(str(save_directory), **{"safe_serialization": True, **kwargs})
        for config in Path(save_directory).glob("*/config.json"):
            forget_source(config)
        self.guidance.save(save_directory)


def is_local(name: str) -> bool:
    """Whether ``name`` is a folder on this machine, and not a hub id."""
    return Path(name).is_dir()


def local_folder(name: str, options: dict[str, Any]) -> Path:
    """The folder of a checkpoint, fetched from the hub if need be.

    Args:
        name: a folder or a hub id.
        options: keyword arguments of ``from_pretrained``; those that concern the hub are taken out.

    Raises:
        FileNotFoundError: if ``name`` looks like a path but there is no such folder.
    """
    hub = {key: options.pop(key) for key in _HUB_OPTIONS if key in options}
    if is_local(name):
        return Path(name)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise FileNotFoundError(f"there is no checkpoint folder '{name}', and it is no hub id (owner/name) either")
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, allow_patterns=HUB_FILES, **hub))


def forget_source(config: Path) -> None:
    """diffusers notes in a config file the folder that a model was loaded from; that is no part of the model."""
    entries = json.loads(config.read_text(encoding="utf-8"))
    if entries.pop("_name_or_path", None) is not None:
        config.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def name_components_by_package(pipeline: Any) -> None:
    """Write this package's components into a pipeline's config as ``("harmony", class)``."""
    for name, component in pipeline.components.items():
        class_name = type(component).__name__
        if type(component).__module__.startswith("harmony.") and class_name in harmony.COMPONENTS:
            pipeline.register_to_config(**{name: ("harmony", class_name)})
