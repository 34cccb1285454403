"""Captions, transcripts and schedules."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harmony.models.schedule import ScheduledWord, render_timing_track, sample_schedule
from harmony.models.text import CaptionEncoder, CaptionTokenizer
from harmony.models.transcript import (
    NUM_SYMBOLS,
    TranscriptEncoder,
    spoken_words,
    transcript_batch,
    transcript_ids,
    word_ids,
)
from harmony.pacing import place_words
from harmony.timeline import Timeline


@pytest.fixture
def tokenizer():
    return CaptionTokenizer.from_words(["a", "red", "drum", "is", "hit", "t-shirt", "café"])


def test_tokenizer_reads_peoples_spelling(tokenizer):
    ids, mask = tokenizer.encode_batch(["A RED drum!", "cafe, t-shirt", None])
    assert mask.sum(1).tolist() == [3, 2, 0]
    assert tokenizer.convert_ids_to_tokens(ids[0].tolist()) == ["a", "red", "drum"]
    assert tokenizer.unknown_words("A crimson drum, hit hard") == ["crimson", "hard"]


def test_tokenizer_survives_saving(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    again = CaptionTokenizer.from_pretrained(tmp_path)
    assert torch.equal(again.encode_batch(["a crimson drum"])[0], tokenizer.encode_batch(["a crimson drum"])[0])


def test_caption_encoder_ignores_padding_and_empty_captions(tokenizer):
    encoder = CaptionEncoder(vocab_size=len(tokenizer), dim=24, num_layers=2, num_heads=2).eval()
    together = encoder(*tokenizer.encode_batch(["a red drum", "red", None]))
    alone = encoder(*tokenizer.encode_batch(["red"]))
    assert torch.isfinite(together).all()
    torch.testing.assert_close(together[1, :1], alone[0])
    assert together[2].abs().max() == 0 and together[1, 1:].abs().max() == 0


def test_spoken_words_in_two_languages():
    assert spoken_words("Hello, I'm RED — ball!") == ["hello", "i'm", "red", "ball"]
    assert spoken_words("你好 朋友") == ["ni3hao3", "peng2you3"]
    assert spoken_words("女 naïve 123") == ["nv3", "naive"]
    assert transcript_ids(None) == [] and transcript_ids("  ") == []


def test_transcript_positions_stretch_over_the_clip():
    ids, mask, position = transcript_batch(["ab c", None], 66)
    assert ids.shape == (2, 4) and not mask[1].any()
    torch.testing.assert_close(position[0], (torch.arange(4) + 0.5) * 66 / 4)


def test_transcript_encoder_blanks_what_is_masked():
    encoder = TranscriptEncoder(dim=16, num_blocks=2).eval()
    for block in encoder.text_blocks:
        torch.nn.init.normal_(block.gamma)  # the response normalisation looks along the text: it must not see padding
    ids, mask, _ = transcript_batch(["red ball", "red", None], 66)
    together, alone = encoder(ids, mask), encoder(*transcript_batch(["red"], 66)[:2])
    assert together.shape == (3, 8, 16) and together[2].abs().max() == 0
    torch.testing.assert_close(together[1, :3], alone[0])
    assert encoder.encode_timing(torch.zeros(1, 66, dtype=torch.long)).shape == (1, 66, 16)


words = st.lists(st.sampled_from(["red", "hello", "ball", "ni3hao3", "i"]), min_size=1, max_size=6)


@given(words, st.integers(0, 2**31))
def test_a_schedule_fits_its_clip_and_is_repeatable(said, seed):
    timeline = Timeline()
    schedule = sample_schedule(" ".join(said), timeline, seed=seed)
    assert schedule == sample_schedule(" ".join(said), timeline, seed=seed)
    edges = [edge for word in schedule for edge in (word.start, word.end)]
    assert edges == sorted(edges) and edges[0] >= 0 and edges[-1] <= timeline.duration
    track = render_timing_track(schedule, timeline)
    assert track.shape == (66,) and 0 < track.max() < NUM_SYMBOLS


def test_too_many_words_are_refused_with_the_numbers():
    with pytest.raises(ValueError, match="40 words do not fit into 2.1 s"):
        sample_schedule("red " * 40, Timeline(), seed=0)
    with pytest.raises(ValueError, match="must end after"):
        ScheduledWord("red", 1.0, 0.5)


def test_timing_track_holds_each_unit_in_its_place():
    track = render_timing_track([ScheduledWord("red", 0.5, 0.875)], Timeline())
    r, e, d = word_ids("red")
    assert track.nonzero().flatten().tolist() == list(range(16, 28))
    assert track[16:28].tolist() == [r] * 4 + [e] * 4 + [d] * 4


def test_placing_words_uses_all_the_free_time_on_average():
    import numpy as np

    rng = np.random.default_rng(0)
    last = [place_words([0.3, 0.3], 2.0, rng.dirichlet([1, 1, 1]))[1] for _ in range(2000)]
    assert abs(np.mean(last) - (0.08 * 2 + 0.3 + (2.0 - 0.6 - 0.24) * 2 / 3)) < 0.02
