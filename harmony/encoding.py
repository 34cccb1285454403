"""Conditions to tensors: texts and voice for the model, given streams and SyncCFG's anchors as latents.

Everything here makes one clip, so B = 1. Shape letters as in :mod:`harmony.passes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from harmony.conditions import Conditions
from harmony.models.codecs.base import AudioCodec, VideoCodec
from harmony.models.conditioning import Conditioning, Streams
from harmony.models.schedule import Schedule, render_timing_track, sample_schedule
from harmony.models.text import CaptionTokenizer
from harmony.models.transcript import TranscriptEncoder, transcript_batch
from harmony.passes import Anchors
from harmony.prompts import clean_text
from harmony.sampling import GivenStreams
from harmony.timeline import Timeline
from harmony.tracks import Sound, as_frames, fit_pictures

UMT5_LENGTH = 512  # rows of a full-size caption; Wan and Ovi attend to all of them, zeros included


@dataclass(frozen=True)
class EncodedConditions:
    """What the model is told; ``no_text`` stands for "no text"; ``schedule`` says when the words are spoken."""

    conditioning: Conditioning
    no_text: Conditioning | None
    schedule: Schedule | None


@dataclass(frozen=True, eq=False)
class EncodedCaptions:
    """Texts, their embeddings (n, L, D), and their mask (n, L) where the model reads one."""

    texts: tuple[str | None, ...]
    embeddings: Tensor
    mask: Tensor | None

    def to(self, device: torch.device | str) -> EncodedCaptions:
        mask = None if self.mask is None else self.mask.to(device)
        return EncodedCaptions(self.texts, self.embeddings.to(device), mask)


def encode_conditions(
    conditions: Conditions,
    timeline: Timeline,
    *,
    tokenizer: Any,
    text_encoder: torch.nn.Module,
    transcript_encoder: TranscriptEncoder | None,
    audio_codec: AudioCodec,
    captions: EncodedCaptions | None = None,
    seed: int,
    device: torch.device | str = "cpu",
) -> EncodedConditions:
    """Captions, transcript, timing and voice as one batch of one clip; ``captions`` may have been encoded before.

    Where a transcript comes without a schedule, one is drawn from ``seed``; not in the driven tasks, where the given
    track already says when the words are spoken.

    Raises:
        ValueError: the captions were encoded from other texts.
    """
    if captions is None:
        captions = encode_captions(conditions.texts, tokenizer, text_encoder, device=device)
    elif captions.texts != conditions.texts:
        raise ValueError("these captions were encoded from other texts than the request's; encode them again")
    encoded = captions.to(device)
    embeddings, mask = encoded.embeddings, encoded.mask

    def caption(row: int) -> dict[str, Tensor | None]:
        name = "video_caption" if row % 2 == 0 else "audio_caption"
        return {name: embeddings[row : row + 1], f"{name}_mask": None if mask is None else mask[row : row + 1]}

    # Without a mask the empty text has an embedding of its own, which the model was trained to take as "no text".
    has_null = mask is None or any(conditions.negative_captions)
    null_captions = caption(2) | caption(3) if has_null else {}
    speech, silence, schedule = _encode_speech(conditions, timeline, transcript_encoder, seed=seed, device=device)
    voice = _encode_voice(conditions, audio_codec, device=device)
    return EncodedConditions(
        Conditioning(**caption(0), **caption(1), **speech, **voice),
        Conditioning(**null_captions, **silence) if null_captions or silence else None,
        schedule,
    )


def encode_captions(
    texts: Sequence[str | None], tokenizer: Any, text_encoder: torch.nn.Module, *, device: torch.device | str
) -> EncodedCaptions:
    """Texts to embeddings (n, L, D) and mask (n, L).

    The small model has a tokenizer of its own; any other is taken for umT5's, used as Wan does: padded to 512 rows,
    padding set to zero, no mask.
    """
    if isinstance(tokenizer, CaptionTokenizer):
        ids, mask = (t.to(device) for t in tokenizer.encode_batch(texts))
        return EncodedCaptions(tuple(texts), text_encoder(ids, mask), mask)
    batch = tokenizer(
        [clean_text(text or "") for text in texts],
        padding="max_length",
        max_length=UMT5_LENGTH,
        truncation=True,
        return_attention_mask=True,
        return_tensors="pt",
    ).to(device)
    hidden = text_encoder(batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
    return EncodedCaptions(tuple(texts), hidden * batch.attention_mask[..., None].to(hidden), None)


def _encode_speech(
    conditions: Conditions,
    timeline: Timeline,
    encoder: TranscriptEncoder | None,
    *,
    seed: int,
    device: torch.device | str,
) -> tuple[dict[str, Tensor], dict[str, Tensor], Schedule | None]:
    """Transcript and timing, the same for silence, and the schedule. Where nobody speaks the timing track is filler."""
    if encoder is None:
        if conditions.transcript is not None:
            raise ValueError("this model has no transcript encoder; write what is said into the caption instead")
        return {}, {}, None
    speech, schedule = {}, conditions.schedule
    if conditions.transcript is not None:
        said = transcript_batch([conditions.transcript], timeline.num_audio_latents)
        ids, mask, position = (t.to(device) for t in said)
        speech = dict(transcript=encoder(ids, mask), transcript_mask=mask, transcript_position=position)
        if schedule is None and conditions.task == "joint":
            schedule = sample_schedule(conditions.transcript, timeline, seed=seed)
    tracks = torch.stack([render_timing_track(words, timeline) for words in (schedule or (), ())])
    timing, silence = encoder.encode_timing(tracks.to(device)).chunk(2)
    return speech | dict(timing=timing), dict(timing=silence), schedule


def _encode_voice(conditions: Conditions, codec: AudioCodec, *, device: torch.device | str) -> dict[str, Tensor]:
    if conditions.reference_audio is None:
        return {}
    waveform = conditions.reference_audio.fitted(codec.sample_rate)[None]
    latents = codec.encode(_like_codec(waveform, codec, device)).float()
    return dict(reference=latents, reference_mask=torch.ones(1, latents.shape[-1], dtype=torch.bool, device=device))


def encode_given(
    conditions: Conditions,
    timeline: Timeline,
    *,
    video_codec: VideoCodec,
    audio_codec: AudioCodec,
    height: int,
    width: int,
    device: torch.device | str = "cpu",
) -> tuple[GivenStreams, Tensor | None]:
    """Latents of what is given, and the first frame (1, 3, H, W) where one is known (SyncCFG holds it still)."""
    sound = first = None
    if conditions.video is not None:
        film = _like_codec(conditions.video.fitted(timeline, height=height, width=width)[None], video_codec, device)
        return GivenStreams(video=video_codec.encode(film).float()), film[:, :, 0]
    if conditions.audio is not None:
        waveform = conditions.audio.fitted(audio_codec.sample_rate, timeline.num_samples)[None]
        sound = audio_codec.encode(_like_codec(waveform, audio_codec, device))[
            ..., : timeline.num_audio_latents
        ].float()
    if conditions.image is not None:
        picture = fit_pictures(conditions.image[None], height=height, width=width)[None]
        first = _like_codec(picture, video_codec, device)
    first_latent = None if first is None else video_codec.encode(first).float()
    return GivenStreams(audio=sound, first_video_latent=first_latent), None if first is None else first[:, :, 0]


def static_from_prediction(codec: VideoCodec) -> Callable[[Tensor], Tensor]:
    """Map a predicted clean video (B, C, T, h, w) to its own first frame held still, through the cheap preview."""

    def hold(clean: Tensor) -> Tensor:
        first = codec.preview(_like_codec(clean[:, :, :1], codec, clean.device))[:, :, 0]
        return codec.static_latents(first.clamp(-1.0, 1.0), clean.shape[2]).float()

    return hold


def grey_latents(codec: VideoCodec, num_latents: int, *, height: int, width: int, device: torch.device | str) -> Tensor:
    """The latents of a grey clip that stands still."""
    grey = _like_codec(torch.zeros(1, 3, height, width), codec, device)
    return codec.static_latents(grey, num_latents).float()


def make_anchors(
    first_frame: Tensor | None,
    timeline: Timeline,
    *,
    video_codec: VideoCodec,
    audio_codec: AudioCodec,
    no_text: Conditioning | None,
    grey: Tensor | None,
) -> Anchors:
    """SyncCFG's anchors: silence, and the first frame held still (given, else grey, else from the prediction)."""
    static = grey
    if first_frame is not None:
        static = video_codec.static_latents(first_frame, timeline.num_video_latents).float()
    return Anchors(
        silence=audio_codec.silence_latents(timeline.num_audio_latents).float(),
        static=static,
        static_from=None if static is not None else static_from_prediction(video_codec),
        no_text=no_text,
    )


def decode_tracks(
    latents: Streams, conditions: Conditions, timeline: Timeline, *, video_codec: VideoCodec, audio_codec: AudioCodec
) -> dict[str, Any]:
    """Frames, waveform and their rates, as :class:`~harmony.generation.Generation` names them.

    A given track comes back as it came, rate and size included; what is made for a film lasts as long as the film.
    """
    film, sound = conditions.video, conditions.audio
    if film is not None:
        pictures = dict(frames=film.frames, frame_rate=film.frame_rate)
    else:
        video = video_codec.decode(_like_codec(latents.video, video_codec, latents.video.device))[0]
        pictures = dict(frames=as_frames(video), frame_rate=timeline.frame_rate)
    if sound is not None:
        return pictures | dict(waveform=sound.waveform, sample_rate=sound.sample_rate)
    waveform = audio_codec.decode(_like_codec(latents.audio, audio_codec, latents.audio.device))[0]
    made = Sound(waveform.float().clamp(-1.0, 1.0).cpu().numpy(), audio_codec.sample_rate)
    clock = timeline if film is None else replace(film.clock, sample_rate=made.sample_rate)
    waveform = made.fitted(made.sample_rate, clock.num_samples).numpy()
    return pictures | dict(waveform=waveform, sample_rate=made.sample_rate)


def _like_codec(tensor: Tensor, codec: Any, device: torch.device | str) -> Tensor:
    """A tensor on the device and in the dtype of a codec's weights."""
    parameter = next(iter(codec.parameters()), None) if isinstance(codec, torch.nn.Module) else None
    return tensor.to(device=device, dtype=torch.float32 if parameter is None else parameter.dtype)
