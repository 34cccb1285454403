"""Public weights in our model: complete and exact maps, and what happens to files that are not what they should be."""

from __future__ import annotations

import pytest
import torch
from layouts import ovi_layout, random_weights, wan_layout
from ovi_reference import OviReference
from public_files import FREQ, HEAD_DIM, HEADS, LAYERS, SMALL, SMALL_FILE, SMALL_OVI, TEXT, small_config
from safetensors.torch import load_file, save_file
from torch import Tensor

from harmony.adapters.keymap import WrongCheckpoint
from harmony.adapters.ovi import ovi_map
from harmony.adapters.source import Checkpoint
from harmony.adapters.transformer import convert_transformer, export_ovi, map_for, model_shapes
from harmony.adapters.wan import stream_pairs, wan_map
from harmony.models.conditioning import Conditioning, Streams
from harmony.models.config import HarmonyConfig
from harmony.models.recorder import AttentionRecorder
from harmony.models.transformer import HarmonyTransformer

GRID, AUDIO, ROWS = (5, 3, 2), 17, 7  # video tokens along time, height, width; audio latents; text rows


def numel(shapes: dict[str, tuple[int, ...]]) -> int:
    return sum(torch.Size(shape).numel() for shape in shapes.values())


# -- inventory at full size, on the meta device ------------------------------------------------------------------------


def test_ovi_preset_has_ovis_tensors_shape_by_shape() -> None:
    ours, theirs = model_shapes(HarmonyConfig.ovi()), ovi_layout()
    ovi_map(ours, HarmonyConfig.ovi()).check(theirs, ours)
    assert len(theirs) == len(ours) == 2073
    assert numel(theirs) == numel(ours) == 11_660_753_108


def test_separate_projections_add_named_tensors() -> None:
    config = HarmonyConfig.ovi(share_text_qo=False)
    ours = model_shapes(config)
    keys = ovi_map(ours, config)
    keys.check(ovi_layout(), ours)
    assert round(numel(ours) / 1e9, 2) == 12.79
    assert keys.zeros == {f"blocks.{n}.{way}.to_out.0.bias" for n in range(30) for way in ("a2v", "v2a")}
    assert not keys.fresh


def test_paper_preset_opens_wans_video_stream() -> None:
    ours, names = model_shapes(HarmonyConfig.paper()), stream_pairs(30)
    theirs = wan_layout()
    for layout, source in (("original", theirs), ("diffusers", {new: theirs[old] for old, new in names})):
        keys = wan_map(ours, num_layers=30, layout=layout)
        keys.check(source, ours)
        assert len(keys.pairs) == len(source) == 825
    assert numel(theirs) == 4_999_787_712
    of_video = {name for name in ours if name.startswith("video.") or ".video." in name}
    assert of_video - set(keys.sources) == {"video.condition_embedder.cross_time_proj.weight"}


# -- exactness ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ovi_file(tmp_path_factory: pytest.TempPathFactory):
    file = tmp_path_factory.mktemp("ovi") / "model.safetensors"
    save_file(random_weights(ovi_layout(**SMALL_OVI)), file)
    return file


def converted(file, folder, **changes) -> HarmonyTransformer:
    config = small_config(**changes)
    with Checkpoint(file) as source:
        convert_transformer(source, folder, config, shard_bytes=200_000)
    return HarmonyTransformer.from_pretrained(folder).eval()


def inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(3)
    texts = torch.randn(2, ROWS, TEXT, generator=g)
    texts[:, 4:] = 0  # padding, which Ovi attends to
    t, h, w = GRID
    return torch.randn(4, t, 2 * h, 2 * w, generator=g), torch.randn(20, AUDIO, generator=g), texts[0], texts[1]


@torch.no_grad()
def ours(
    model: HarmonyTransformer, timestep: float, *, first_frame_is_clean: bool = False,
    reference: Tensor | None = None, reference_mask: Tensor | None = None, **options,
) -> Streams:  # fmt: skip
    video, audio, text_video, text_audio = inputs()
    time_video = torch.full((1, GRID[0]), timestep)
    if first_frame_is_clean:
        time_video[:, 0] = 0
    texts = Conditioning(
        video_caption=text_video[None], audio_caption=text_audio[None], reference=reference,
        reference_mask=reference_mask,
    )  # fmt: skip
    times = dict(timestep_video=time_video, timestep_audio=torch.tensor([timestep]))
    out = model(video[None], audio[None], conditioning=texts, **times, **options)
    return Streams(out.video[0], out.audio[0])


def theirs(file, timestep: float, **options) -> tuple[Tensor, Tensor]:
    video, audio, text_video, text_audio = inputs()
    reference = OviReference(load_file(file), layers=LAYERS, heads=HEADS, head_dim=HEAD_DIM, freq_dim=FREQ)
    return reference(video, audio, text_video=text_video, text_audio=text_audio, timestep=timestep, **options)


@pytest.fixture(scope="module", params=[True, False], ids=["shared projections", "own projections"])
def model(request: pytest.FixtureRequest, ovi_file, tmp_path_factory) -> HarmonyTransformer:
    return converted(ovi_file, tmp_path_factory.mktemp("model"), share_text_qo=request.param)


@pytest.mark.parametrize(
    ("of_ovi", "of_ours"),
    [
        ({}, {}),
        ({"first_frame_is_clean": True}, {"first_frame_is_clean": True}),
        ({"skip_layer": 1}, {"skip_layers": (1,)}),
    ],
    ids=["text to clip", "given first frame", "skip-layer guidance"],
)
def test_converted_model_computes_what_ovi_computes(ovi_file, model, of_ovi, of_ours) -> None:
    for timestep in (999.0, 431.25):
        for mine, reference in zip(ours(model, timestep, **of_ours), theirs(ovi_file, timestep, **of_ovi), strict=True):
            assert reference.std() > 0.1
            torch.testing.assert_close(mine, reference, atol=1e-5, rtol=0)


@pytest.mark.parametrize("given", [True, False])
def test_appended_voice_equals_dreamids_form(ovi_file, model, given) -> None:
    """Zeros in its place are the null; attention maps are of the clip alone."""
    voice = torch.randn(20, 5, generator=torch.Generator().manual_seed(5))
    recorder = AttentionRecorder()
    told = dict(reference=voice[None], reference_mask=torch.full((1, 5), given), recorder=recorder)
    expected = theirs(ovi_file, 700.0, voice=voice * given)
    for mine, reference, without in zip(ours(model, 700.0, **told), expected, theirs(ovi_file, 700.0), strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-5, rtol=0)
        assert (reference - without).abs().amax() > 1e-3
    assert recorder.sound_sources().shape == (1, AUDIO, *GRID)
    assert recorder.audio_of_frames().shape == (1, GRID[0], AUDIO)


def test_layers_that_are_skipped_matter(ovi_file) -> None:
    for whole, skipped in zip(theirs(ovi_file, 500.0), theirs(ovi_file, 500.0, skip_layer=1), strict=True):
        assert (whole - skipped).abs().amax() > 0.01


def test_new_parts_start_silent_and_are_named(ovi_file, tmp_path) -> None:
    grown = dict(
        share_text_qo=False,
        transcript_dim=8,
        style=True,
        cross_timestep=True,
        zero_init_interaction=True,
        reference_form="prepended",
    )
    config = small_config(**grown)
    with Checkpoint(ovi_file) as source:
        report = convert_transformer(source, tmp_path, config)
    assert {"blocks.0.style.to_out.0.weight", "audio.timing_proj.weight"} <= set(report.fresh)
    assert not [name for name in report.fresh if ".video." in name]
    model = HarmonyTransformer.from_pretrained(tmp_path).eval()
    for mine, reference in zip(ours(model, 600.0), theirs(ovi_file, 600.0), strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-5, rtol=0)


def test_there_and_back_is_bit_for_bit(ovi_file, tmp_path) -> None:
    converted(ovi_file, tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    with Checkpoint(tmp_path) as source:
        export_ovi(source, tmp_path / "back.sft", small_config())
    back, there = load_file(tmp_path / "back.sft"), load_file(ovi_file)
    assert back.keys() == there.keys()
    assert all(torch.equal(back[name], there[name]) for name in there)


def test_a_grown_model_does_not_go_back(ovi_file, tmp_path) -> None:
    changes = dict(share_text_qo=False)
    converted(ovi_file, tmp_path, **changes)
    with Checkpoint(tmp_path) as source, pytest.raises(WrongCheckpoint, match="cannot be written as Ovi"):
        export_ovi(source, tmp_path / "back.sft", small_config(**changes))


@pytest.mark.parametrize("layout", ["original", "diffusers"])
def test_wan_weights_arrive_unchanged(tmp_path, layout) -> None:
    config = HarmonyConfig.paper(**SMALL, transcript_dim=8)
    weights = random_weights(wan_layout(**SMALL_FILE, channels=4))
    renamed = dict(stream_pairs(LAYERS))
    save_file(
        weights if layout == "original" else {renamed[k]: v for k, v in weights.items()}, tmp_path / "a.safetensors"
    )
    with Checkpoint(tmp_path / "a.safetensors") as source:
        convert_transformer(source, tmp_path / "out", config, expected=("Wan2.2", "Wan2.2 (diffusers)"))
    model = HarmonyTransformer.from_pretrained(tmp_path / "out")
    state = model.state_dict()
    assert torch.equal(state["blocks.1.video.attn2.to_q.weight"], weights["blocks.1.cross_attn.q.weight"])
    assert torch.equal(state["blocks.2.video.norm2.bias"], weights["blocks.2.norm3.bias"])
    assert not state["blocks.0.a2v.to_out.0.weight"].any()


# -- 8-bit floats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale_shape", [None, (), (32,), (32, 1), (32, 4, 1)])
def test_eight_bit_files_become_bfloat16(tmp_path, scale_shape) -> None:
    weight = torch.randn(32, 16, generator=torch.Generator().manual_seed(0))
    scale = torch.ones(1) if scale_shape is None else torch.rand(scale_shape) + 0.5
    spread = scale.reshape(len(scale) if scale.dim() else 1, -1).repeat_interleave(
        16 // (4 if scale.dim() == 3 else 1), 1
    )
    file = {"a.weight": (weight / spread).to(torch.float8_e4m3fn), "a.bias": torch.ones(32)}
    if scale_shape is not None:
        file |= {"a.scale_weight": scale, "a.scale_input": torch.ones(1), "scaled_fp8": torch.ones(2)}
    save_file(file, tmp_path / "x.safetensors")
    with Checkpoint(tmp_path / "x.safetensors") as source:
        assert source.shapes == {"a.weight": (32, 16), "a.bias": (32,)}
        read = source.read("a.weight")
    assert read.dtype == torch.bfloat16
    expected = file["a.weight"].float() * spread
    torch.testing.assert_close(read.float(), expected, rtol=2**-8, atol=0)
    torch.testing.assert_close(read.float(), weight, rtol=0.07, atol=0.01)


def test_eight_bit_ovi_converts(tmp_path) -> None:
    weights = random_weights(ovi_layout(**SMALL_OVI))
    eight = {k: v.to(torch.float8_e4m3fn) if v.dim() == 2 else v.bfloat16() for k, v in weights.items()}
    save_file(eight, tmp_path / "model_fp8_e4m3fn.safetensors")
    with Checkpoint(tmp_path / "model_fp8_e4m3fn.safetensors") as source:
        convert_transformer(source, tmp_path / "out", small_config())
    state = load_file(tmp_path / "out" / "diffusion_pytorch_model.safetensors")
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}
    name = "audio_model.blocks.2.ffn.0.weight"
    assert torch.equal(state["blocks.2.audio.ffn.net.0.proj.weight"], eight[name].bfloat16())


# -- files that are not what they should be ----------------------------------------------------------------------------


def checked(weights: dict[str, Tensor], file) -> None:
    save_file(weights, file)
    with Checkpoint(file) as source:
        map_for(source, small_config(), expected=("Ovi",))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.pop("video_model.blocks.1.norm3.bias"), "lacks 'video_model.blocks.1.norm3.bias'"),
        (lambda w: w.update({"lora.up": torch.ones(1)}), "holds 'lora.up', which belongs nowhere"),
        (lambda w: w.update({"video_model.head.head.bias": torch.ones(3)}), "the model needs"),
        (lambda w: (w.clear(), w.update(x=torch.ones(1))), "this is no transformer of Ovi, Wan2.2 or Harmony"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_one_sentence(tmp_path, change, sentence) -> None:
    weights = random_weights(ovi_layout(**SMALL_OVI))
    change(weights)
    with pytest.raises(WrongCheckpoint, match=sentence):
        checked(weights, tmp_path / "x.safetensors")


def test_wan_is_not_taken_for_ovi(tmp_path) -> None:
    weights = random_weights(wan_layout(**SMALL_FILE, channels=4))
    with pytest.raises(WrongCheckpoint, match="is a Wan2.2 checkpoint, not one of Ovi"):
        checked(weights, tmp_path / "x.safetensors")


def test_cut_off_and_foreign_files(tmp_path, ovi_file) -> None:
    whole = ovi_file.read_bytes()
    for name, content in (("cut", whole[: len(whole) // 2]), ("header", whole[:100]), ("empty", b"")):
        (tmp_path / f"{name}.safetensors").write_bytes(content)
        with pytest.raises(WrongCheckpoint, match="cut off"), Checkpoint(tmp_path / f"{name}.safetensors"):
            pass
    torch.save({"a": torch.ones(1)}, tmp_path / "model.pt")
    with pytest.raises(WrongCheckpoint, match="no safetensors file"), Checkpoint(tmp_path / "model.pt"):
        pass
    with pytest.raises(FileNotFoundError, match="there is no file"), Checkpoint(tmp_path / "none.safetensors"):
        pass
