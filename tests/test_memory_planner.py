"""The planner against the truth: weights to the byte, working memory as measured, and the settings it picks."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
import torch
from full_size import full_size
from layouts import ovi_layout
from micro import FORMS
from public_files import SMALL_VAE, small_config
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count
from transformers import UMT5Config, UMT5EncoderModel

from harmony.guidance import GuidanceConfig, GuidanceTerm
from harmony.memory.parts import ClipSize, Parts, weight_bytes
from harmony.memory.planner import GB, Settings, candidates, expect, make_plan, on_card, passes_of_a_step
from harmony.memory.track import cost_of
from harmony.models.codecs.mmaudio import MMAudioCodec
from harmony.models.codecs.wan import WanVideoCodec
from harmony.models.conditioning import Conditioning
from harmony.models.config import HarmonyConfig
from harmony.models.transformer import HarmonyTransformer

CONFIGS = {
    "ovi": small_config(num_layers=4),
    "paper": replace(HarmonyConfig.micro(**FORMS["paper"]), num_layers=4),
    "tiny": HarmonyConfig.tiny(),
}
SIZE = ClipSize(128, 128, 17)
FULL_SIZE = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "full-size.json"


@pytest.fixture(scope="module")
def ovi() -> Parts:
    """The full size, on the meta device."""
    return full_size()


def small_parts(config: HarmonyConfig = CONFIGS["ovi"], *, width: int = 8) -> Parts:
    text = UMT5Config(vocab_size=64, d_model=24, d_kv=8, d_ff=16, num_layers=4, num_heads=2)
    codec = WanVideoCodec(autoencoder=SMALL_VAE | dict(base_dim=width, decoder_base_dim=width))
    return Parts(
        config, video_codec=codec.eval(), audio_codec=MMAudioCodec.micro().eval(),
        text_encoder=UMT5EncoderModel(text).eval(), size=SIZE,
    )  # fmt: skip


@torch.no_grad()
def allocated(run: Callable[[], object]) -> int:
    """Bytes at the highest point of a run beyond what was there before, as torch's allocator reports them."""
    run()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


# -- weights -----------------------------------------------------------------------------------------------------------


def test_ovis_weights_are_known_to_the_byte(ovi) -> None:
    """Against the layout of the released file: 2 bytes each, but 4 for modulation tables and time embeddings."""
    names = ("modulation", "time_embedding")
    released = ovi_layout()
    numbers = sum(math.prod(shape) for shape in released.values())
    wide = sum(math.prod(shape) for name, shape in released.items() if set(names) & set(name.split(".")))
    assert weight_bytes(ovi.transformer, dtype=torch.bfloat16) == 2 * numbers + 2 * wide
    assert not ovi.is_small


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_of_an_open_model_are_those_that_were_told(dtype) -> None:
    for model in (small_parts().text_encoder, small_parts().video_codec):
        model.to(dtype)
        stored = sum(t.numel() * t.element_size() for t in chain(model.parameters(), model.buffers()))
        assert weight_bytes(model, dtype=dtype) == stored


# -- working memory: told without running, measured by running ---------------------------------------------------------


@pytest.mark.parametrize(("name", "clips"), [("ovi", 2), ("paper", 1), ("tiny", 1)])
def test_a_pass_needs_the_memory_that_was_told(name, clips) -> None:
    parts = small_parts(CONFIGS[name])
    config, (t, h, w) = parts.config, parts.latent_size(SIZE)
    sounds = parts.timeline(SIZE.num_frames).num_audio_latents
    model = HarmonyTransformer.from_harmony_config(config).eval()
    video = torch.randn(clips, config.in_channels_video, t, h, w)
    audio = torch.randn(clips, config.in_channels_audio, sounds)
    text, time = torch.randn(clips, 512, config.text_dim), torch.full((clips,), 500.0)
    said = Conditioning(video_caption=text, audio_caption=text)
    run = lambda: model(video, audio, timestep_video=time, timestep_audio=time, conditioning=said)  # noqa: E731
    told = parts.denoise_cost(SIZE, clips=clips, dtype=torch.float32)
    assert told.peak_bytes == pytest.approx(allocated(run), rel=0.2)
    attention = lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v)  # noqa: E731 - a kernel that torch does not list
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    with FlopCounterMode(display=False, custom_mapping={kernel: attention}) as counter, torch.no_grad():
        run()
    assert told.operations == pytest.approx(counter.get_total_flops(), rel=0.2)


def test_a_card_needed_what_is_told(ovi) -> None:
    """Random weights in Ovi's layout on an H200, by ``tools/measure_full_size.py``: the growth from loaded to peak."""
    found = json.loads(FULL_SIZE.read_text())
    measured, size = found["ovi"], ClipSize(found["height"], found["width"], found["frames"])
    assert measured["weights_gb"]["measured"] == pytest.approx(measured["weights_gb"]["planned"], rel=0.005)
    one, three = (ovi.denoise_cost(size, clips=clips, dtype=torch.bfloat16).peak_bytes for clips in (1, 3))
    assert one / GB == pytest.approx(measured["one_pass"]["working_gb"]["measured"], rel=0.06)
    assert three / GB == pytest.approx(measured["sync_cfg_one_batch"]["working_gb"]["measured"], rel=0.06)

    eight_bits = measured["one_pass_int8"]
    weights = weight_bytes(ovi.transformer, dtype=torch.bfloat16, quantization="int8") / GB
    assert weights == pytest.approx(eight_bits["weights_gb"]["measured"], rel=0.01)
    growth = eight_bits["peak_gb"] - eight_bits["weights_gb"]["measured"]
    assert (one + ovi.int8_bytes(size, clips=1)) / GB == pytest.approx(growth, rel=0.06)

    settings = Settings(offload="group")
    waiting = on_card(ovi.transformer, weight_bytes(ovi.transformer, dtype=torch.bfloat16), settings).working
    assert (waiting + one) / GB == pytest.approx(measured["one_pass_group_offload"]["peak_gb"], rel=0.06)


@pytest.mark.parametrize("tiling", [False, True])
@pytest.mark.parametrize("way", ["decode", "encode"])
def test_coding_pictures_needs_the_memory_that_was_told(way, tiling) -> None:
    """Against the tensors of a real run: what a CPU's convolutions take as scratch is not a card's."""
    parts = small_parts()
    codec, size = parts.video_codec, ClipSize(96, 64, 17)
    if tiling:
        codec.enable_tiling(
            tile_sample_min_height=64,
            tile_sample_min_width=64,
            tile_sample_stride_height=32,
            tile_sample_stride_width=32,
        )
    given = torch.randn(1, codec.latent_channels, *parts.latent_size(size))
    given = torch.rand(1, 3, size.num_frames, size.height, size.width) if way == "encode" else given
    told = getattr(parts, f"{way}_cost")(size, tiling=tiling).peak_bytes
    measured = cost_of(lambda: getattr(codec, way)(given), warm_up=False).peak_bytes
    assert told == pytest.approx(measured, rel=0.2)


def test_text_and_sound_need_the_memory_that_was_told() -> None:
    parts = small_parts()
    ids, told = torch.zeros(4, 512, dtype=torch.long), parts.text_cost(dtype=torch.float32)
    mask = (torch.arange(512) < torch.tensor([[9], [200], [3], [1]])).long()
    assert told.peak_bytes == pytest.approx(allocated(lambda: parts.text_encoder(ids, attention_mask=mask)), rel=0.2)
    latents = torch.randn(1, 20, parts.timeline(SIZE.num_frames).num_audio_latents)
    measured = cost_of(lambda: parts.audio_codec.decode(latents), warm_up=False).peak_bytes
    assert parts.sound_cost(SIZE).peak_bytes == pytest.approx(measured, rel=0.2)


def test_nothing_is_allocated_while_counting() -> None:
    parts = small_parts(replace(CONFIGS["ovi"], num_layers=2, ffn_dim_video=40_000))
    assert allocated(lambda: parts.denoise_cost(SIZE, clips=1, dtype=torch.float32)) < 1e7


# -- the choice --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vram", "expected"),
    [
        (80, Settings(batch_passes=True)),
        (40, Settings(offload="model", batch_passes=True)),
        (24, Settings(offload="model", codecs_rest=True)),
        (18, Settings("int8", "model", codecs_rest=True)),
        (12, Settings(offload="group", codecs_rest=True, tiling=True)),
    ],
)
def test_the_full_size_on_cards_of_several_sizes(ovi, vram, expected) -> None:
    plan = make_plan(ovi, vram=vram * GB)
    assert plan.fits and plan.settings == expected and plan.peak_bytes <= vram * GB


def test_what_somebody_fixed_stays(ovi) -> None:
    assert make_plan(ovi, vram=80 * GB, quantize="int8").settings.quantization == "int8"
    assert make_plan(ovi, vram=80 * GB, offload="sequential").settings.offload == "sequential"
    assert make_plan(ovi, vram=12 * GB, quantize="none").settings.quantization is None


def test_a_card_that_is_too_small_gets_the_most_frugal_settings_and_is_told_so(ovi) -> None:
    plan = make_plan(ovi, vram=4 * GB)
    assert not plan.fits
    others = [expect(ovi, settings, size=ovi.size, num_passes=2) for settings in candidates()]
    assert plan.peak_bytes == min(other.peak_bytes for other in others) > 4 * GB


def test_each_offload_holds_less_of_the_transformer_while_it_works(ovi) -> None:
    def denoise(settings: Settings) -> int:
        return expect(ovi, settings, size=ovi.size, num_passes=2).phases["denoise"]

    whole, model, group, sequential = (
        denoise(Settings(offload=offload)) for offload in ("none", "model", "group", "sequential")
    )
    assert whole > model > group > sequential
    assert denoise(Settings()) < denoise(Settings(batch_passes=True))
    assert denoise(Settings("nf4", "model")) < denoise(Settings("int8", "model")) < model


def test_passes_of_a_step() -> None:
    assert passes_of_a_step(GuidanceConfig.ovi().terms, 50) == 2
    assert passes_of_a_step(GuidanceConfig.paper().terms, 40) == 3
    late = GuidanceTerm("isolated", 2.0, 2.0, start=0.5)
    assert passes_of_a_step((late,), 10) == 2 and passes_of_a_step((), 10) == 1


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (dict(quantize="int3"), "quantize must be auto, none, int8 or nf4; got 'int3'"),
        (dict(offload="disk"), "offload must be auto, none, model, group or sequential; got 'disk'"),
        (dict(quantize="nf4", offload="group"), "group offload works with unquantised layers only"),
        (dict(size=ClipSize(720, 720, 121)), "height must be a multiple of 32 for this model, got 720"),
        (dict(size=ClipSize(704, 704, 120)), "num_frames must be 1 \\+ n \\* 4, got 120; nearest: 121"),
    ],
)
def test_bad_input_is_one_sentence(ovi, wish, words) -> None:
    with pytest.raises(ValueError, match=words):
        make_plan(ovi, vram=24 * GB, **wish)
