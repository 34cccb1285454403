"""A pipeline opened as planned makes the same clip, whatever waits where."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from public_files import micro_sound_codec, small_config, write_public_files

import harmony.convert.parts
from harmony.convert.ovi import convert_ovi
from harmony.memory import choice
from harmony.memory.opening import arrange, compile_layers, offload_groups, open_pipeline, shelve
from harmony.memory.parts import Parts, weight_bytes
from harmony.memory.planner import Settings
from harmony.memory.quantize import KINDS, stored_bytes
from harmony.models.blocks import HarmonyBlock
from harmony.models.codecs.video import PatchVideoCodec
from harmony.pipeline import HarmonyPipeline
from harmony.session import load_pipeline
from harmony.session.opening import check_opening

FAST = dict(num_frames=9, height=32, width=32, num_inference_steps=2, seed=3)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    """A whole checkpoint in Ovi's layout, small."""
    files, out = write_public_files(tmp_path_factory.mktemp("public")), tmp_path_factory.mktemp("converted") / "ovi"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harmony.convert.parts, "MMAudioCodec", micro_sound_codec)
        convert_ovi(
            str(files.ovi), out, wan=str(files.wan), config=small_config(), say=lambda words: None,
            accept_noncommercial=True, mmaudio=files.mmaudio,
        )  # fmt: skip
    return out


def clip_of(pipe: HarmonyPipeline, **settings):
    pipe.set_progress_bar_config(disable=True)
    return pipe("a red drum", **FAST | settings)


@pytest.fixture(scope="module")
def whole(folder):
    return clip_of(HarmonyPipeline.from_pretrained(folder))


def assert_same(ours, theirs, *, levels: float = 0.01) -> None:
    """Pictures and sound, to what another order of additions may change."""
    assert np.abs(ours.frames.astype(float) - theirs.frames).mean() < levels
    np.testing.assert_allclose(ours.waveform, theirs.waveform, atol=1e-3)


# -- where things wait -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        Settings(offload="model"),
        Settings(offload="model", codecs_rest=True),
        Settings(offload="group", codecs_rest=True),
        Settings(offload="sequential"),
    ],
    ids=lambda settings: settings.offload,
)
def test_every_offload_makes_the_same_clip_twice(folder, whole, settings) -> None:
    pipe = open_pipeline(folder, settings, device="cpu", dtype=torch.float32)
    for _ in range(2):  # hooks are set again after a clip
        assert_same(clip_of(pipe, output_attention=True), whole)
    assert pipe.opened_as == settings.words


def test_model_offload_sends_each_model_back_before_the_next_works(folder) -> None:
    pipe = open_pipeline(folder, Settings(offload="model"), device="cpu", dtype=torch.float32)
    events = []
    for name in ("text_encoder", "transformer"):
        model = getattr(pipe, name)
        model.register_forward_pre_hook(lambda *_, name=name: events.append(name))
        hook = next(hook for hook in pipe._all_hooks if hook.model is model)
        hook.offload = lambda name=name: events.append(f"{name} rests")
    decode = pipe.video_codec.decode
    pipe.video_codec.decode = lambda latents: events.append("pictures") or decode(latents)
    clip_of(pipe)
    first = {name: events.index(name) for name in events}
    assert first["text_encoder"] < first["text_encoder rests"] < first["transformer"] < first["pictures"]
    assert "transformer rests" in events[first["transformer"] : first["pictures"]]


def test_a_group_is_one_layer_of_both_streams_and_is_gone_after_its_work(folder, whole, tmp_path) -> None:
    """With a disk in place of main memory: what is away is really away, so a layer read too early would show."""
    pipe = HarmonyPipeline.from_pretrained(folder)
    offload_groups(pipe.transformer, CPU, offload_to_disk_path=str(tmp_path / "transformer"))
    offload_groups(pipe.text_encoder, CPU, offload_to_disk_path=str(tmp_path / "text"))
    hooked = [module for module in pipe.transformer.modules() if hasattr(module, "_diffusers_hook")]
    layers = [module for module in hooked if isinstance(module, HarmonyBlock)]
    assert layers == list(pipe.transformer.blocks) and set(hooked) - set(layers) == {pipe.transformer}
    files = list((tmp_path / "transformer").iterdir())
    assert len(files) == len(layers) + 1  # and one for both ends of the streams
    assert_same(clip_of(pipe), whole)
    for module in layers[0].modules():
        for parameter in module.parameters(recurse=False):
            parameter.data.fill_(float("nan"))  # none of it is read again
    assert_same(clip_of(pipe), whole)


def test_sequential_offload_keeps_no_linear_layer_anywhere_but_in_main_memory(folder) -> None:
    pipe = open_pipeline(folder, Settings(offload="sequential"), device="cpu", dtype=torch.float32)
    away = {name for name, parameter in pipe.transformer.named_parameters() if parameter.is_meta}
    inside = {name for name, _ in pipe.transformer.blocks.named_parameters() if "norm" not in name}
    read_directly = {name for name in inside if "scale_shift_table" in name or "video.attn2.to_out.0" in name}
    assert {name.removeprefix("blocks.") for name in away} == inside - read_directly
    assert pipe._execution_device == CPU
    assert all(parameter.is_meta for parameter in pipe.text_encoder.encoder.block.parameters())


def test_a_shelved_codec_is_on_the_card_just_for_its_work(monkeypatch) -> None:
    codec, places = PatchVideoCodec.micro().eval(), []
    monkeypatch.setattr(codec, "to", lambda place: places.append(str(place)))
    shelve(codec, torch.device("cuda"))
    assert places == ["cpu"]
    codec.static_latents(torch.zeros(1, 3, 64, 64), 3)  # calls encode itself
    assert places == ["cpu", "cuda", "cpu"]
    with pytest.raises((ValueError, RuntimeError)):
        codec.decode(torch.zeros(1, 2, 3))
    assert places[-1] == "cpu"


def test_passes_and_tiles_are_as_planned(folder) -> None:
    pipe = open_pipeline(folder, Settings(offload="model", codecs_rest=True, tiling=True), device="cpu")
    assert pipe.video_codec.vae.use_tiling and pipe.batch_passes is False
    assert clip_of(pipe).request.batch_passes is False
    assert clip_of(pipe, batch_passes=True).request.batch_passes is True


# -- fewer bits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_weights_weigh_what_the_planner_said(folder, kind) -> None:
    parts, pipe = Parts.of(folder), open_pipeline(folder, Settings(kind), device="cpu")
    assert pipe.precision == "bfloat16"
    for name in ("transformer", "text_encoder", "video_codec", "audio_codec"):
        codec = name.endswith("codec")
        told = weight_bytes(
            getattr(parts, name), dtype=torch.float32 if codec else torch.bfloat16,
            quantization=None if codec else kind,
        )  # fmt: skip
        assert held_bytes(getattr(pipe, name)) == told


def held_bytes(model: torch.nn.Module) -> int:
    total, seen = 0, set()
    for module in model.modules():
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            quantised = name == "weight" and type(module).__module__.split(".")[0] in ("bitsandbytes", "harmony")
            if id(tensor) not in seen:
                total += stored_bytes(module) if quantised else tensor.numel() * tensor.element_size()
            seen.add(id(tensor))
    return total


def test_an_int8_clip_is_near_the_whole_one_and_offloads_alike(folder, whole) -> None:
    resident = clip_of(open_pipeline(folder, Settings("int8"), device="cpu", dtype=torch.float32))
    difference = np.abs(resident.frames.astype(float) - whole.frames).mean()
    assert 0 < difference < 3  # of 255 levels
    offloaded = open_pipeline(folder, Settings("int8", "model"), device="cpu", dtype=torch.float32)
    assert_same(clip_of(offloaded), resident)


def test_compiled_layers_make_the_same_clip(folder, whole) -> None:
    pipe = HarmonyPipeline.from_pretrained(folder)
    compile_layers(pipe, backend="aot_eager", fullgraph=True)
    assert pipe.opened_as == "layers compiled"
    assert_same(clip_of(pipe), whole)


def test_layers_that_are_quantised_or_moved_are_not_compiled(folder) -> None:
    for settings in (Settings("int8"), Settings(offload="group"), Settings(offload="sequential")):
        pipe = open_pipeline(folder, settings, device="cpu", dtype=torch.float32)
        compile_layers(pipe, backend="aot_eager")
        assert pipe.opened_as.endswith("layers not compiled: they are quantised or moved")


# -- this machine ------------------------------------------------------------------------------------------------------


def test_on_a_cpu_nothing_changes_unless_somebody_wants_it(folder, monkeypatch) -> None:
    monkeypatch.setattr(choice, "open_here", lambda *_, **__: pytest.fail("nobody wanted a plan"))
    pipe = load_pipeline(str(folder))
    assert pipe.opened_as is None and pipe.batch_passes and pipe.precision == "float32"


def test_int8_on_a_cpu(folder) -> None:
    pipe = load_pipeline(str(folder), quantize="int8")
    assert pipe.opened_as.startswith("8-bit layers") and clip_of(pipe).frames.shape == (9, 32, 32, 3)
    assert load_pipeline("micro", quantize="nf4").opened_as.startswith("4-bit layers")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (dict(offload="group"), "group offload moves weights between main memory and a graphics card"),
        (dict(compile=True), "compiled layers need a graphics card, and none was found here"),
        (dict(quantize="int3"), "quantize must be auto, none, int8 or nf4; got 'int3'"),
    ],
)
def test_what_cannot_be_wanted_without_a_card_is_said(folder, wish, words) -> None:
    for model in (str(folder), "micro"):
        with pytest.raises(ValueError, match=words):
            load_pipeline(model, **wish)


def test_a_card_gets_its_plan_and_a_small_model_none(folder, monkeypatch) -> None:
    """The wiring alone: what is planned, and what opening does, is tested apart."""
    asked, settings = [], Settings("int8", "model")
    monkeypatch.setattr(choice, "card_bytes", lambda: 12 << 30)
    monkeypatch.setattr(choice, "open_pipeline", lambda name, settings, **_: SimpleNamespace(opened_as=settings.words))
    monkeypatch.setattr(
        choice,
        "plan_for",
        lambda *_, **wish: asked.append(wish) or SimpleNamespace(settings=settings, fits=len(asked) < 2),
    )
    assert choice.open_here(str(folder), quantize="int8").opened_as == settings.words
    assert choice.open_here(str(folder), quantize="int8").opened_as.endswith("more than the card holds")
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    choice.open_here(str(folder), quantize="int8")
    assert [wish["offload"] for wish in asked] == ["auto", "auto", "none"]  # resident where a Space shares its card
    assert all(wish["vram"] == 12 << 30 and wish["quantize"] == "int8" for wish in asked)
    small = SimpleNamespace(to=lambda place: place)
    monkeypatch.setattr(HarmonyPipeline, "from_pretrained", lambda name: small)
    assert choice.open_here(str(folder)) == "cuda" and len(asked) == 3


def test_captions_encoded_apart_make_the_same_clip(whole, folder) -> None:
    pipe = arrange(HarmonyPipeline.from_pretrained(folder), Settings(batch_passes=True), device="cpu")
    captions = pipe.encode_text("a red drum")
    pipe.text_encoder.forward = None  # never called again
    assert np.array_equal(clip_of(pipe, captions=captions).frames, whole.frames)
    with pytest.raises(ValueError, match="encoded from other texts"):
        pipe("a blue drum", captions=captions, **FAST)


def test_what_cannot_be_compiled_is_said_before_anything_is_opened(monkeypatch) -> None:
    monkeypatch.setattr("harmony.memory.card.has_card", lambda: True)
    with pytest.raises(ValueError, match="quantised or offloaded cannot be compiled"):
        check_opening(quantize="int8", offload="auto", compile=True)
    check_opening(quantize="none", offload="none", compile=True)


def test_a_big_model_is_laid_out_after_a_small_one_was_opened() -> None:
    """transformers' stand-in for torch.linspace must not be what torch takes for the true one ever after."""
    told = """
import harmony, torch
from transformers.initialization import meta_device_safe_creation_ops as stand_in
with stand_in(), torch.device("meta"):
    torch.empty(1)
with torch.device("meta"):
    print(torch.linspace(0, 1, 2).device)
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["meta"], done.stderr
