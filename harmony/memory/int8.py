"""bitsandbytes' 8-bit linear layer, kept whole when the model around it moves to another device."""

from __future__ import annotations

import logging
from collections.abc import Callable

import bitsandbytes as bnb
from torch import Tensor
from typing_extensions import Self

# It warns at every layer of every pass that it rounds in float16, which is how LLM.int8 works.
logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)


class Int8Linear(bnb.nn.Linear8bitLt):
    """A ``Linear8bitLt`` whose scales and 8-bit rows follow its weight.

    The original keeps both in a state beside the weight and moves them only in its own ``to``, which a parent's ``to``
    never calls: offloading would leave the scales behind and hold every weight twice.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        if self.state.SCB is not None:
            self.state.CB = self.weight.data
            self.state.SCB = self.state.SCB.to(self.weight.device)
        return self
