"""One layer of the two-stream transformer: both streams, what they tell each other, and the style path.

Shape letters: B clips, S tokens, D width, R reference tokens, H heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harmony.models.config import HarmonyConfig
from harmony.models.interaction import CrossModalAttention, local_attention
from harmony.models.layer_inputs import LayerInputs, StreamInputs, Tokens
from harmony.models.recorder import AttentionRecorder
from harmony.models.rotary import rotate
from harmony.models.stream import JointTextBlock, StreamBlock


class HarmonyBlock(nn.Module):
    """One layer. The streams have widths of their own and the same depth.

    ``sequential`` (the paper)::

        x_v += gate SelfAttn(x_v)              [z_r ; x_a] += gate SelfAttn([z_r ; x_a (; e)])
        x_v += TextAttn(x_v)                   x_a += TextAttn(x_a)            (``cross`` form)
        x_v += A2V(x_v, x_a)                   x_a += V2A(x_a, x_v)            both read the state before
        z_r += Style(z_r, x_v)
        x   += gate FFN(x)

    ``parallel`` (Ovi): text attention and interaction read the same state; with ``share_text_qo`` they also share
    query and output projection and are summed before the latter.

    Args:
        config: the transformer's shape.
        layer: index of this layer. The last one has no style path: nothing would read what it writes.
    """

    def __init__(self, config: HarmonyConfig, *, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.parallel = config.interaction_order == "parallel"
        self.shares = config.share_text_qo
        last = layer == config.num_layers - 1
        norms = dict(head_dim=config.head_dim, qk_norm=config.qk_norm, eps=config.eps)
        of_video = dict(num_heads=config.num_heads_video, **norms)
        of_audio = dict(num_heads=config.num_heads_audio, **norms)
        dim_v, dim_a, joint = config.dim_video, config.dim_audio, config.text_form == "joint"

        self.video = StreamBlock(dim_v, ffn_dim=config.ffn_dim_video, **of_video)
        self.audio = StreamBlock(
            dim_a, ffn_dim=config.ffn_dim_audio, cross_text=not joint, transcript_dim=config.transcript_dim, **of_audio
        )
        self.text = JointTextBlock(dim_a, ffn_dim=config.ffn_dim_audio, last=last, **of_audio) if joint else None
        own = dict(zero_init=config.zero_init_interaction, own_query_and_output=not self.shares)
        self.a2v = CrossModalAttention(dim_v, source_dim=dim_a, **own, **of_video)
        self.v2a = CrossModalAttention(dim_a, source_dim=dim_v, **own, **of_audio)
        self.style = None
        if config.style and not last:
            zero = dict(zero_init=config.zero_init_interaction)
            self.style = CrossModalAttention(dim_a, source_dim=dim_v, **zero, **of_audio)

    def forward(self, x: Tokens, inputs: LayerInputs, recorder: AttentionRecorder | None = None) -> Tokens:
        """The state through the layer; a stream that is ``None`` stays ``None``."""
        x_v, x_a, text = x
        z_r = None
        if x_v is not None:
            rows_v = self.video.rows(inputs.video)
            x_v = self.video.attend_self(x_v, rows_v, inputs.video)
        if x_a is not None:
            rows_a = self.audio.rows(inputs.audio)
            if text is None:
                x_a = self.audio.attend_self(x_a, rows_a, inputs.audio)
            else:
                x_a, text = self.audio.attend_self_and_text(x_a, rows_a, inputs.audio, text, self.text)
            num_reference = inputs.audio.num_reference
            if num_reference:
                z_r, x_a = x_a[:, :num_reference], x_a[:, num_reference:]

        x_v, x_a = self._read_text_and_each_other(x_v, x_a, inputs, recorder)
        if self.style is not None and inputs.clock is not None and z_r is not None:
            z_r = z_r + kept(self.style(z_r, x_v), inputs.keep)

        if x_v is not None:
            x_v = self.video.feed_forward(x_v, rows_v)
        if x_a is not None:
            x_a = self.audio.feed_forward(x_a if z_r is None else torch.cat([z_r, x_a], dim=1), rows_a)
        return Tokens(x_v, x_a, text)

    def _read_text_and_each_other(
        self, x_v: Tensor | None, x_a: Tensor | None, inputs: LayerInputs, recorder: AttentionRecorder | None
    ) -> tuple[Tensor | None, Tensor | None]:
        """Text attentions and local interaction, in the configured order."""
        if inputs.clock is None:
            if x_v is not None:
                x_v = x_v + self._text(self.video, x_v, inputs.video)
            if x_a is not None:
                x_a = x_a + self._text(self.audio, x_a, inputs.audio)
            return x_v, x_a
        if self.shares:
            return self._read_shared(x_v, x_a, inputs, recorder)
        text_v, text_a = self._text(self.video, x_v, inputs.video), self._text(self.audio, x_a, inputs.audio)
        if not self.parallel:
            x_v, x_a, text_v, text_a = x_v + text_v, x_a + text_a, 0, 0
        heard, seen = self._interact(self.a2v.query(x_v), self.v2a.query(x_a), x_v, x_a, inputs, recorder)
        to_v, to_a = kept(self.a2v.output(heard), inputs.keep), kept(self.v2a.output(seen), inputs.keep)
        if recorder is not None:
            recorder.update(self.layer, to_v, inputs.clock)
        return x_v + text_v + to_v, x_a + text_a + to_a

    def _read_shared(
        self, x_v: Tensor, x_a: Tensor, inputs: LayerInputs, recorder: AttentionRecorder | None
    ) -> tuple[Tensor, Tensor]:
        """Ovi: one query and one output projection for text and interaction."""
        (h_v, q_v), (h_a, q_a) = self.video.text_query(x_v), self.audio.text_query(x_a)
        heard, seen = self._interact(q_v, q_a, x_v, x_a, inputs, recorder)
        heard, seen = kept(heard, inputs.keep), kept(seen, inputs.keep)
        if recorder is not None:
            recorder.update(self.layer, nn.functional.linear(heard, self.video.attn2.to_out[0].weight), inputs.clock)
        x_v = x_v + self.video.text_update(h_v, q_v, inputs.video, heard=heard)
        return x_v, x_a + self.audio.text_update(h_a, q_a, inputs.audio, heard=seen)

    def _interact(
        self, q_v: Tensor, q_a: Tensor, x_v: Tensor, x_a: Tensor, inputs: LayerInputs,
        recorder: AttentionRecorder | None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """What the streams take from each other (B, S, H * D), before output projections; x is the state before."""
        clock = inputs.clock
        k_a, v_a = self.a2v.key_value(x_a)
        q_v, k_a = rotate(q_v, clock.a2v.video), rotate(k_a, clock.a2v.audio)
        k_v, v_v = self.v2a.key_value(x_v)
        q_a, k_v = rotate(q_a, clock.v2a.audio), rotate(k_v, clock.v2a.video)
        if recorder is not None:
            own = clock.num_reference  # maps are of the clip, not of an appended reference
            recorder.attention(self.layer, a2v=(q_v, k_a[:, own:]), v2a=(q_a[:, own:], k_v), clock=clock)
        a2v, v2a = clock.windows or (None, None)
        return local_attention(q_v, k_a, v_a, a2v), local_attention(q_a, k_v, v_v, v2a)

    def _text(self, stream: StreamBlock, x: Tensor, inputs: StreamInputs) -> Tensor | int:
        """The update by text alone; 0 where there is none."""
        if self.shares:  # the output projection's bias counts even where nothing is heard
            h, q = stream.text_query(x)
            return stream.text_update(h, q, inputs, heard=torch.zeros_like(q).flatten(-2))
        if inputs.caption is None and inputs.transcript is None:
            return 0
        return stream.text_update(*stream.text_query(x), inputs)


def kept(update: Tensor, keep: Tensor | None) -> Tensor:
    """The update of the clips that take part, exact zeros for the others."""
    return update if keep is None else update * keep
