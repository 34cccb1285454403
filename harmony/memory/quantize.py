"""Linear layers of a model's layers in 8 bits (LLM.int8) or 4 bits (nf4), through bitsandbytes, on GPUs and CPUs.

Only the linear layers inside ``blocks`` (ours, Wan's) or ``block`` (umT5's) are quantised. Norms, modulation tables,
embeddings of time, text and latents, and the heads keep their precision. Saves memory; whether it also saves time
depends on the card.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from harmony.adapters.keymap import WrongCheckpoint
from harmony.adapters.source import Checkpoint
from harmony.adapters.transformer import config_of
from harmony.models.blocks import HarmonyBlock
from harmony.models.transformer import HarmonyTransformer

Quantization = Literal["int8", "nf4"]
KINDS: tuple[Quantization, ...] = ("int8", "nf4")

_LAYERS = {"blocks", "block"}
_OUTLIERS = 6.0  # LLM.int8: activations beyond this are multiplied in full precision
_NF4_BLOCK, _NESTED_BLOCK = 64, 256  # weights per scale, scales per scale of scales
_CPU_ROWS = 32  # rows per block of bitsandbytes' CPU kernel


def layer_linears(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Names of all linear layers inside a model's layers that are called as modules, and the layers.

    Not among them: output projections that Ovi's interaction shares, whose weights the attention recorder reads.
    """
    read_directly = {
        f"{name}.video.attn2.to_out.0"
        for name, module in model.named_modules()
        if isinstance(module, HarmonyBlock) and module.shares
    }
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and _LAYERS.intersection(name.split(".")) and name not in read_directly:
            yield name, module


def quantizable(model: nn.Module, kind: Quantization) -> Iterator[tuple[str, nn.Linear]]:
    """Names of the linear layers that may be quantised, and the layers."""
    # umT5 turns its activations into the dtype of these weights; to the bytes of nf4 that would be the end of them.
    whole = set(getattr(model, "_keep_in_fp32_modules", None) or ()) if kind == "nf4" else set()
    for name, module in layer_linears(model):
        if type(module) is nn.Linear and not whole.intersection(name.split(".")):
            yield name, module


def quantize(model: nn.Module, kind: Quantization, *, device: torch.device | str | None = None) -> nn.Module:
    """Swap a model's linear layers for quantised ones, in place, one at a time.

    Args:
        model: with its weights.
        kind: ``int8`` or ``nf4``.
        device: where the quantised layers go; by default where they were.

    Raises:
        ValueError: for another kind.
    """
    for name, linear in list(quantizable(model, kind)):
        where = torch.device(device) if device is not None else linear.weight.device
        swapped = empty_layer(linear, kind)
        set_weight(swapped, linear.weight.detach().cpu(), where)
        if linear.bias is not None:
            swapped.bias = nn.Parameter(linear.bias.detach().to(where), requires_grad=False)
        _put(model, name, swapped)
    return model


def open_quantized(
    folder: str | Path, kind: Quantization, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.bfloat16
) -> HarmonyTransformer:
    """Open a saved transformer with its layers quantised; in memory there is never more than that and one tensor.

    Args:
        folder: of the transformer.
        kind: ``int8`` or ``nf4``.
        device: where it goes.
        dtype: of what stays unquantised, but for what the model keeps in float32.

    Raises:
        WrongCheckpoint: the files and the config beside them do not belong together.
    """
    device = torch.device(device)
    with torch.device("meta"):
        model = HarmonyTransformer.from_harmony_config(config_of(folder)).eval()
    shapes = {name: tuple(tensor.shape) for name, tensor in chain(model.named_parameters(), model.named_buffers())}
    swapped = {name: empty_layer(linear, kind) for name, linear in list(quantizable(model, kind))}
    for name, layer in swapped.items():
        _put(model, name, layer)
    keep = set(model._keep_in_fp32_modules)
    with Checkpoint(folder) as source:
        differ = sorted(dict(source.shapes.items() ^ shapes.items()))
        if differ:
            raise WrongCheckpoint(f"{folder} does not fit its own config: {len(differ)} tensors, first '{differ[0]}'")
        for name in shapes:
            module_name, _, leaf = name.rpartition(".")
            tensor = source.read(name).to(torch.float32 if keep.intersection(name.split(".")) else dtype)
            if leaf == "weight" and module_name in swapped:
                set_weight(swapped[module_name], tensor.clone(), device)
                continue
            module = model.get_submodule(module_name)
            module._parameters[leaf] = nn.Parameter(tensor.to(device, copy=True), requires_grad=False)
    return model


def empty_layer(linear: nn.Linear, kind: Quantization) -> nn.Module:
    """A quantised layer of the same shape, without weights yet.

    Raises:
        ValueError: for a kind that is none of ``KINDS``.
    """
    shape = dict(input_features=linear.in_features, output_features=linear.out_features, device="meta")
    has_bias = linear.bias is not None
    if kind == "int8":
        from harmony.memory.int8 import Int8Linear  # bitsandbytes takes seconds to import, and only this needs it

        return Int8Linear(**shape, bias=has_bias, has_fp16_weights=False, threshold=_OUTLIERS)
    if kind == "nf4":
        import bitsandbytes as bnb

        layer = bnb.nn.Linear4bit(**shape, bias=has_bias, quant_type="nf4")
        # On CPUs with bfloat16 units it packs rows for a kernel that takes whole blocks only, and fails on others.
        whole = linear.out_features % _CPU_ROWS == linear.in_features % _NF4_BLOCK == 0
        layer.support_avx512bf16_for_cpu = layer.support_avx512bf16_for_cpu and whole
        return layer
    raise ValueError(f"quantisation must be one of {', '.join(KINDS)}, got '{kind}'")


def set_weight(layer: nn.Module, weight: Tensor, device: torch.device) -> None:
    """Quantise a weight (out, in) that lies on the CPU, on its way to ``device``."""
    import bitsandbytes as bnb

    if isinstance(layer, bnb.nn.Linear8bitLt):
        layer.weight = bnb.nn.Int8Params(weight, requires_grad=False, has_fp16_weights=False).to(device)
        layer.init_8bit_state()
    else:
        layer.weight = bnb.nn.Params4bit(weight, requires_grad=False, quant_type="nf4").to(device)


def quantized_bytes(out_features: int, in_features: int, kind: Quantization) -> int:
    """Bytes of a linear layer's weight: int8 with a scale per row, nf4 with scales of 8 bits and scales of those."""
    count = out_features * in_features
    if kind == "int8":
        return count + 4 * out_features
    scales = -(-count // _NF4_BLOCK)
    tables = 4 * (16 + 256 + 1)  # the codes of weights and scales, and an offset
    return -(-count // 2) + scales + 4 * -(-scales // _NESTED_BLOCK) + tables


def stored_bytes(layer: Any) -> int:
    """Bytes that a (quantised) linear layer's weight really occupies, its scales included."""
    tensors = {layer.weight.data_ptr(): layer.weight}
    state, quant_state = getattr(layer, "state", None), getattr(layer.weight, "quant_state", None)
    for part in (state, quant_state, getattr(quant_state, "state2", None)):
        held = [] if part is None else [value for value in vars(part).values() if isinstance(value, Tensor)]
        tensors |= {tensor.data_ptr(): tensor for tensor in held}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _put(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, layer.train(model.training))
