"""Quantised layers: exact bytes, the layers that are left alone, and a model that still says nearly the same."""

from __future__ import annotations

import bitsandbytes as bnb
import pytest
import torch
from micro import FORMS, inputs_of, model_of, run
from torch import nn
from transformers import UMT5Config, UMT5EncoderModel

from harmony.adapters.keymap import WrongCheckpoint
from harmony.memory.quantize import KINDS, open_quantized, quantizable, quantize, quantized_bytes, stored_bytes
from harmony.models.config import HarmonyConfig

WHOLE = ("norm", "scale_shift_table", "embed", "condition", "proj_out", "stem", "head", "timing", "null_reference")
ERROR = {"int8": 0.02, "nf4": 0.25}  # of the velocities, relative; random weights have no outliers to save


def quantised_layers(model: nn.Module) -> dict[str, nn.Module]:
    kinds = bnb.nn.Linear8bitLt, bnb.nn.Linear4bit
    return {name: module for name, module in model.named_modules() if isinstance(module, kinds)}


def umt5(**changes) -> UMT5EncoderModel:
    settings = dict(vocab_size=50, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, is_gated_act=True) | changes
    torch.manual_seed(0)
    return UMT5EncoderModel(UMT5Config(**settings)).eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(48, 32), (33, 70), (1, 64), (256, 512)])
def test_bytes_are_those_that_bitsandbytes_stores(kind, shape) -> None:
    stack = nn.Module()
    stack.blocks = nn.ModuleList([nn.Linear(shape[1], shape[0])])
    quantize(stack, kind)
    assert stored_bytes(stack.blocks[0]) == quantized_bytes(*shape, kind)
    stack.blocks[0](torch.randn(3, shape[1]))  # the first pass moves scales from the weight to a state
    assert stored_bytes(stack.blocks[0]) == quantized_bytes(*shape, kind)


def test_int8_takes_little_more_than_half_of_bf16() -> None:
    model = model_of(HarmonyConfig.tiny())
    before = sum(2 * linear.weight.numel() for _, linear in quantizable(model, "int8"))
    quantize(model, "int8")
    after = sum(stored_bytes(layer) for layer in quantised_layers(model).values())
    assert 0.5 < after / before <= 0.55


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_only_linear_layers_inside_the_layers_are_quantised(form, kind) -> None:
    model = quantize(model_of(HarmonyConfig.micro(**FORMS[form])), kind)
    found = quantised_layers(model)
    assert found and all(name.startswith("blocks.") for name in found)
    assert [name for name in found if any(part in name for part in WHOLE)] == []
    left = {name for name, module in model.blocks.named_modules() if type(module) is nn.Linear}
    if HarmonyConfig.micro(**FORMS[form]).share_text_qo:  # read by the attention recorder as it is
        assert left == {"0.video.attn2.to_out.0", "1.video.attn2.to_out.0"}
    else:
        assert left == set()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["tiny", "ovi"])
def test_a_quantised_model_is_close_to_the_original(form, kind) -> None:
    model = model_of(HarmonyConfig.micro(**FORMS[form]))
    inputs = inputs_of(model.shape)
    whole = run(model, *inputs)
    rounded = run(quantize(model, kind), *inputs)
    for ours, theirs in zip(whole, rounded, strict=True):
        error = float((ours - theirs).norm() / ours.norm())
        assert 0 < error < ERROR[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_quantised_text_encoder_is_close_to_the_original(kind) -> None:
    model, ids = umt5(), torch.arange(12).reshape(2, 6)
    with torch.no_grad():
        whole = model(ids).last_hidden_state
        rounded = quantize(model, kind)(ids).last_hidden_state
    # Two layers of random weights enlarge what 4 bits leave out; how much depends on the weights drawn.
    assert 0 < float((whole - rounded).norm() / whole.norm()) < {"int8": 0.02, "nf4": 0.6}[kind]
    names = quantised_layers(model)
    assert any("SelfAttention" in name for name in names) and not any("embed" in name for name in names)
    assert any(name.endswith(".wo") for name in names) == (kind == "int8")  # nf4 would break umT5's own casts there


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_opens_quantised_as_if_it_was_quantised_in_memory(kind, tmp_path) -> None:
    model = model_of()
    model.save_pretrained(tmp_path)
    inputs = inputs_of(model.shape)
    opened = open_quantized(tmp_path, kind, dtype=torch.float32)
    for ours, theirs in zip(run(opened, *inputs), run(quantize(model, kind), *inputs), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert not any(parameter.is_meta for parameter in opened.parameters())


def test_what_the_model_wants_in_float32_stays_there(tmp_path) -> None:
    model_of().save_pretrained(tmp_path)
    opened = open_quantized(tmp_path, "int8", dtype=torch.bfloat16)
    assert opened.dtype == torch.bfloat16
    kept = {name for name, tensor in opened.named_parameters() if tensor.dtype == torch.float32}
    assert kept == {name for name in dict(opened.named_parameters()) if "time_embedder" in name or "table" in name}


def test_a_moved_layer_holds_its_weight_once_and_computes_the_same() -> None:
    layer = quantize(model_of(), "int8").blocks[0]
    linear = next(module for module in layer.modules() if isinstance(module, bnb.nn.Linear8bitLt))
    x = torch.randn(3, linear.in_features)
    before, place = linear(x), linear.weight.data_ptr()
    layer._apply(torch.clone)  # what a parent's `to` does with every tensor, without a second device
    assert linear.weight.data_ptr() != place
    assert linear.state.CB.data_ptr() == linear.weight.data_ptr()
    assert torch.equal(linear(x), before)


def test_bad_input_is_one_sentence(tmp_path) -> None:
    with pytest.raises(ValueError, match="one of int8, nf4, got 'int3'"):
        quantize(model_of(), "int3")
    model_of().save_pretrained(tmp_path)
    model_of(HarmonyConfig.micro(num_layers=3)).save_config(tmp_path)
    with pytest.raises(WrongCheckpoint, match="does not fit its own config"):
        open_quantized(tmp_path, "int8")
