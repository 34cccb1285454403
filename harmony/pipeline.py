"""One request in, one clip out, for every task."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from harmony.abilities import cautions
from harmony.checkpoints import HarmonyCheckpoint
from harmony.conditions import Conditions
from harmony.encoding import (
    EncodedCaptions,
    decode_tracks,
    encode_captions,
    encode_conditions,
    encode_given,
    grey_latents,
    make_anchors,
)
from harmony.generation import Generation, GenerationRequest
from harmony.guidance import GuidanceConfig, GuidanceTerm, Solver, first_problem
from harmony.models.conditioning import Conditioning, Streams
from harmony.models.recorder import AttentionRecorder
from harmony.models.schedule import ScheduledWord
from harmony.passes import Anchors
from harmony.progress import Cancel, Progress, Stopwatch, asks_to_cancel
from harmony.prompts import told
from harmony.sampling import GenerationCancelled, denoise, initial_noise, shifted_sigmas, step_nearest
from harmony.timeline import Timeline


class HarmonyPipeline(HarmonyCheckpoint):
    """Makes a video and its sound together, or one for the other.

    Example:
        >>> pipe = HarmonyPipeline.from_pretrained("assets/harmony-tiny")
        >>> clip = pipe("a red drum is hit three times", seed=7)
        >>> clip.save("drum.mp4")
    """

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | None = None,
        *,
        audio_prompt: str | None = None,
        negative_prompt: str | None = None,
        negative_audio_prompt: str | None = None,
        transcript: str | None = None,
        schedule: Sequence[ScheduledWord] | None = None,
        reference_audio: Any = None,
        image: Any = None,
        audio: Any = None,
        video: Any = None,
        guidance: GuidanceConfig | Sequence[GuidanceTerm] | None = None,
        num_inference_steps: int | None = None,
        shift: float | None = None,
        solver: Solver | None = None,
        seed: int | None = 0,
        num_frames: int | None = None,
        height: int | None = None,
        width: int | None = None,
        batch_passes: bool | None = None,
        equal_noise: bool = False,
        output_attention: bool = False,
        captions: EncodedCaptions | None = None,
        callback: Callable[[Progress], None] | None = None,
        cancel: Cancel | None = None,
    ) -> Generation:
        """Make one clip.

        Nothing given makes both streams; ``audio`` makes a video for it, ``video`` a sound for it.

        Args:
            prompt: caption of the picture; audio_prompt: of the sound. One alone serves both.
            negative_prompt, negative_audio_prompt: what ``text`` guidance pushes away from.
            transcript: what is said, in English or Chinese; schedule: when each word is said (else drawn from seed).
            reference_audio: ``(waveform, sample_rate)``, 1 to 3 s of a voice to be cloned.
            image: the first frame, uint8 (H, W, 3) or a PIL image.
            audio: ``(waveform, sample_rate)``, any rate and channels; comes back untouched.
            video: ``(frames, frame_rate)``, uint8 (F, H, W, 3) of any size and rate; comes back untouched.
            guidance: a whole configuration, or a list of terms in place of the checkpoint's (``[]`` for none).
            num_inference_steps, shift, solver: in place of the checkpoint's.
            seed: of the noise and the schedule; ``None`` draws one and tells it in the result.
            num_frames: length of the clip; by default that of the given track, else the checkpoint's.
            height, width: of the made pictures.
            batch_passes: all passes of a step as one batch; False needs less memory. By default as the pipeline was
                opened.
            equal_noise: start both streams from the same numbers, as Ovi does; only for comparing with it.
            output_attention: record where the streams look at each other, in the middle of the denoising.
            captions: the texts above as :meth:`encode_text` encoded them before.
            callback: gets a :class:`~harmony.progress.Progress` after every step.
            cancel: a function or ``threading.Event``; stops the work before the next step.

        Raises:
            ValueError: one sentence that says what does not fit and what to do.
            GenerationCancelled: if ``cancel`` asked to stop.
        """
        conditions = Conditions.of(
            prompt=prompt,
            audio_prompt=audio_prompt,
            negative_prompt=negative_prompt,
            negative_audio_prompt=negative_audio_prompt,
            transcript=transcript,
            schedule=schedule,
            reference_audio=reference_audio,
            image=image,
            audio=audio,
            video=video,
        )
        settings = self._settings(guidance, num_inference_steps=num_inference_steps, shift=shift, solver=solver)
        limits = dict(num_frames=num_frames, max_num_frames=self.config.max_num_frames)
        request = GenerationRequest.of(
            conditions,
            model=self.model_id,
            license=self.config.license,
            guidance=settings,
            seed=secrets.randbits(31) if seed is None else seed,
            num_frames=conditions.clock(self.timeline, **limits).num_frames,
            height=self.config.height if height is None else height,
            width=self.config.width if width is None else width,
            precision=self.precision,
            batch_passes=self.batch_passes if batch_passes is None else batch_passes,
            equal_noise=equal_noise,
            output_attention=output_attention,
        )
        return self._make(request, conditions, captions=captions, callback=callback, cancel=cancel)

    @torch.no_grad()
    def encode_text(
        self,
        prompt: str | None = None,
        *,
        audio_prompt: str | None = None,
        negative_prompt: str | None = None,
        negative_audio_prompt: str | None = None,
        transcript: str | None = None,
    ) -> EncodedCaptions:
        """The captions alone, encoded: a call of its own, for machines that lend a card for one task at a time.

        Args: as of a call of the pipeline. Returns them in main memory.
        """
        conditions = Conditions.of(
            prompt=prompt, audio_prompt=audio_prompt, negative_prompt=negative_prompt,
            negative_audio_prompt=negative_audio_prompt, transcript=transcript,
        )  # fmt: skip
        encoded = encode_captions(
            told(conditions, self.prompt_family).texts, self.tokenizer, self.text_encoder, device=self._execution_device
        )
        self._rest()
        return encoded.to("cpu")

    @torch.no_grad()
    def regenerate(
        self,
        request: GenerationRequest,
        *,
        callback: Callable[[Progress], None] | None = None,
        cancel: Cancel | None = None,
        **uploads: Any,
    ) -> Generation:
        """Make the clip of a request again; its uploads (``audio=``, ``image=``, ...) are handed in again.

        Raises:
            ValueError: if an upload is missing or another one, or if the pipeline computes in another precision.
        """
        conditions = request.conditions(**uploads)
        if request.precision != self.precision:
            raise ValueError(f"the clip was made in {request.precision}, this pipeline computes in {self.precision}")
        conditions.clock(self.timeline, num_frames=request.num_frames, max_num_frames=self.config.max_num_frames)
        return self._make(request, conditions, callback=callback, cancel=cancel)

    def _settings(self, guidance: GuidanceConfig | Sequence[GuidanceTerm] | None, **changes: Any) -> GuidanceConfig:
        """The checkpoint's defaults with what the caller changed."""
        changes = {name: value for name, value in changes.items() if value is not None}
        base = guidance if isinstance(guidance, GuidanceConfig) else self.guidance
        if guidance is not None and base is not guidance:
            changes["terms"] = tuple(guidance)
        try:
            return replace(base, **changes)
        except ValidationError as error:
            raise ValueError(f"a clip cannot be sampled so: {first_problem(error)}") from error

    def _make(
        self,
        request: GenerationRequest,
        conditions: Conditions,
        *,
        captions: EncodedCaptions | None = None,
        callback: Callable[[Progress], None] | None,
        cancel: Cancel | None,
    ) -> Generation:
        self._check(request.height, request.width)
        timeline, device = self.timeline.with_num_frames(request.num_frames), self._execution_device
        codecs = dict(video_codec=self.video_codec, audio_codec=self.audio_codec)
        watch, stop = Stopwatch(), asks_to_cancel(cancel)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        with watch.measure("text"):
            encoded = encode_conditions(
                told(conditions, self.prompt_family), timeline, tokenizer=self.tokenizer,
                text_encoder=self.text_encoder, transcript_encoder=self.transcript_encoder,
                audio_codec=self.audio_codec, captions=captions, seed=request.seed, device=device,
            )  # fmt: skip
        self._rest()
        with watch.measure("encode"):
            size = dict(height=request.height, width=request.width)
            given, first_frame = encode_given(conditions, timeline, **codecs, **size, device=device)
            anchors = self._anchors(request, first_frame, timeline, encoded.no_text)
        recorder = AttentionRecorder(pointing=self.pointing) if request.output_attention else None
        with watch.measure("denoise"):
            latents = self._denoise(
                request, timeline, stop=stop, callback=callback, recorder=recorder, conditioning=encoded.conditioning,
                given=given, anchors=anchors,
            )  # fmt: skip
        self._rest()
        if stop is not None and stop():
            raise GenerationCancelled("stopped before the clip was decoded")
        with watch.measure("decode"):
            tracks = decode_tracks(latents, conditions, timeline, **codecs)
        self.maybe_free_model_hooks()
        return Generation(
            **tracks, seed=request.seed, request=request, schedule=encoded.schedule, timings=watch.timings,
            peak_memory=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
            attention=recorder, cautions=cautions(conditions, request.guidance, self.config.trained_for),
        )  # fmt: skip

    def _rest(self) -> None:
        """Under model offload: what has done its work goes back to main memory, the next part needs the room."""
        for hook in getattr(self, "_all_hooks", ()):
            hook.offload()

    def _denoise(
        self,
        request: GenerationRequest,
        timeline: Timeline,
        *,
        stop: Callable[[], bool] | None,
        callback: Callable[[Progress], None] | None,
        **settings: Any,
    ) -> Streams:
        guidance, stride = request.guidance, self.video_codec.spatial_stride
        sigmas = shifted_sigmas(guidance.num_inference_steps, shift=guidance.shift, start=guidance.sigma_max)
        pictures = (timeline.num_video_latents, request.height // stride, request.width // stride)
        noise = initial_noise(
            (self.video_codec.latent_channels, *pictures),
            (self.audio_codec.latent_channels, timeline.num_audio_latents),
            seeds=[request.seed],
            equal_noise=request.equal_noise,
            device=self._execution_device,
        )
        started = time.perf_counter()
        with self.progress_bar(total=guidance.num_inference_steps) as bar:

            def after_step(step: int, total: int, latents: Callable[[], Streams]) -> None:
                bar.update()
                if callback is not None:
                    seconds = time.perf_counter() - started
                    codecs = (self.video_codec, self.audio_codec)
                    callback(Progress(step, total, seconds, latents, *codecs, timeline.duration))

            return denoise(
                self.transformer,
                noise,
                sigmas=sigmas,
                guidance=guidance,
                scheduler=self.scheduler,
                batch_passes=request.batch_passes,
                dtype=self.transformer.dtype,
                callback=after_step,
                cancel=stop,
                record_steps={step_nearest(sigmas)},
                **settings,
            )

    def _anchors(
        self, request: GenerationRequest, first_frame: Tensor | None, timeline: Timeline, no_text: Conditioning | None
    ) -> Anchors:
        """SyncCFG's anchors, where some term needs them; the grey clip is made once per size."""
        guidance = request.guidance
        if not any(term.kind == "sync" for term in guidance.terms):
            return Anchors(no_text=no_text)
        grey = None
        if guidance.static_anchor == "grey" and first_frame is None:
            size = (timeline.num_video_latents, request.height, request.width)
            if size not in self._grey:
                latents, height, width = size
                self._grey[size] = grey_latents(
                    self.video_codec, latents, height=height, width=width, device=self._execution_device
                )
            grey = self._grey[size]
        return make_anchors(
            first_frame,
            timeline,
            video_codec=self.video_codec,
            audio_codec=self.audio_codec,
            no_text=no_text,
            grey=grey,
        )

    def _check(self, height: int, width: int) -> None:
        if self.audio_codec is None:
            raise ValueError(
                "this checkpoint was converted without a sound codec; convert it again with --accept-noncommercial, or "
                "open it with a codec of your own: HarmonyPipeline.from_pretrained(..., audio_codec=codec)"
            )
        _, patch_h, patch_w = self.transformer.config.patch_size
        stride = self.video_codec.spatial_stride
        if height % (stride * patch_h) or width % (stride * patch_w):
            raise ValueError(
                f"height must be a multiple of {stride * patch_h} and width of {stride * patch_w}, "
                f"got {height} x {width}"
            )

    @classmethod
    def micro(cls, seed: int = 0) -> HarmonyPipeline:
        """A pipeline of a few thousand random weights with every component, for tests and for trying the app."""
        from harmony.micro import micro_components

        pipe = cls(**micro_components(seed))
        pipe.guidance = GuidanceConfig(terms=(GuidanceTerm("sync", 2.0, 1.5),), num_inference_steps=4, shift=1.0)
        return pipe
