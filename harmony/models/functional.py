"""Small functions of the layers, written so that training in bf16 on one CPU core is quick; exact in float32."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def gelu(x: Tensor) -> Tensor:
    """GELU in its tanh form, as Wan has it.

    In bf16 on a CPU the erf form takes its place: four times faster there, and nearer to the tanh form (5e-4 at most)
    than bf16 can tell.
    """
    quick = x.dtype == torch.bfloat16 and x.device.type == "cpu"
    return F.gelu(x, approximate="none" if quick else "tanh")


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension, in the dtype of x; on CUDA, torch's own kernel."""
    if x.is_cuda:
        return F.rms_norm(x, weight.shape, weight, eps)
    return _RMSNorm.apply(x, weight, eps)


class _RMSNorm(torch.autograd.Function):
    """The norm with its gradient written out: half as many passes over memory as autograd would make."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        precision = torch.promote_types(x.dtype, torch.float32)
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=precision)
        inverse = torch.rsqrt(size.square() / x.shape[-1] + eps).to(x.dtype)
        normed = x * inverse
        ctx.save_for_backward(normed, inverse, weight)
        return (normed * weight).to(x.dtype)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        normed, inverse, weight = ctx.saved_tensors
        along = grad * normed
        grad_weight = along.flatten(0, -2).sum(0).to(weight.dtype)
        # d/dx of n = x r, r the inverse size: (g - n mean(g n)) r, with g the gradient that reaches n.
        mean = (along @ weight.to(along.dtype)).unsqueeze(-1) / -grad.shape[-1]
        grad_normed = torch.addcmul(grad * weight, normed, mean.to(normed.dtype))
        return (grad_normed * inverse).to(normed.dtype), grad_weight, None
