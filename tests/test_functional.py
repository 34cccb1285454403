"""The layers' small functions against their plain forms, values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from harmony.models.attention import attention, attention_weights
from harmony.models.functional import gelu, rms_norm
from harmony.models.rotary import Rotation, rotate, rotation_of, swap_pairs


def test_rms_norm_equals_torchs_and_so_does_its_gradient() -> None:
    x, weight = torch.randn(3, 5, 8, dtype=torch.float64), torch.randn(8, dtype=torch.float64)
    torch.testing.assert_close(rms_norm(x, weight, 1e-6), F.rms_norm(x, (8,), weight, 1e-6))
    assert torch.autograd.gradcheck(rms_norm, (x.requires_grad_(), weight.requires_grad_(), 1e-6))


def test_rotation_turns_pairs_and_its_gradient_turns_back() -> None:
    x, turns = torch.randn(2, 5, 3, 8, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    rotation = Rotation(*(table.double() for table in rotation_of(turns)))
    pairs = torch.view_as_complex(x.unflatten(-1, (4, 2))) * torch.polar(torch.ones_like(turns), turns)[:, None]
    torch.testing.assert_close(rotate(x, rotation), torch.view_as_real(pairs).flatten(-2), atol=1e-6, rtol=0)
    assert torch.autograd.gradcheck(lambda x: rotate(x, rotation), (x.requires_grad_(),))
    assert rotate(x, None) is x


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_swapped_pairs(dtype: torch.dtype) -> None:
    x = torch.randn(3, 8).to(dtype)
    assert torch.equal(swap_pairs(x), x[:, [1, 0, 3, 2, 5, 4, 7, 6]])
    assert torch.equal(swap_pairs(x[:, 2:6]), x[:, [3, 2, 5, 4]])  # not contiguous


def test_quick_gelu_is_nearer_than_bfloat16_can_tell() -> None:
    x = torch.linspace(-6, 6, 2001)
    exact = F.gelu(x, approximate="tanh")
    assert torch.equal(gelu(x), exact)
    error = (gelu(x.bfloat16()).float() - exact).abs()
    assert (error <= 1e-3 + 2**-7 * exact.abs() + 2**-8 * x.abs()).all()


@pytest.mark.parametrize("keys", [3, 40])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_torchs(keys: int, masked: bool) -> None:
    q, k, v = torch.randn(2, 7, 3, 4), torch.randn(2, keys, 3, 4), torch.randn(2, keys, 3, 4)
    mask = torch.rand(2, 1, 7, keys) > 0.4 if masked else None
    if masked:
        mask[..., 0] = True
    theirs = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)), attn_mask=mask)
    torch.testing.assert_close(attention(q, k, v, mask), theirs.transpose(1, 2).flatten(2), atol=1e-6, rtol=1e-5)
    if masked:
        added = torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)
        assert torch.equal(attention(q, k, v, added), attention(q, k, v, mask))
        weights = attention_weights(q.transpose(1, 2), k.transpose(1, 2), mask)
        assert (weights[~mask.expand_as(weights)] == 0).all()


def test_long_clips_take_the_fused_kernel_with_the_same_result(monkeypatch) -> None:
    q, k, v = torch.randn(2, 4, 7, 3, 4), torch.randn(2, 4, 9, 3, 4), torch.randn(2, 4, 9, 3, 4)
    added = torch.zeros(4, 1, 7, 9)
    added[..., 5:] = -torch.inf
    by_hand = attention(q, k, v, added)
    monkeypatch.setattr("harmony.models.attention._MOST_SCORES", 1)
    torch.testing.assert_close(attention(q, k, v, added), by_hand, atol=1e-6, rtol=1e-5)
