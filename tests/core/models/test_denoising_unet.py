from dataclasses import replace

import pytest
import tiny
import torch
from tiny import UNET, denoising_inputs, normal, random_banks, shared_models

from hallo2_core.config import UNetConfig
from hallo2_core.models import denoising_unet
from hallo2_core.models.denoising_unet import DenoisingUNet
from hallo2_core.models.layers import Build
from hallo2_core.payloads import RegionMasks

FRAMES = 4


@pytest.fixture(scope="module")
def unet():
    return shared_models().denoising_unet


@pytest.fixture(scope="module")
def inputs():
    return denoising_inputs(FRAMES)


@pytest.fixture(scope="module")
def expected(unet, inputs):
    return inputs.run(unet)


def test_the_portraits_banks_do_not_touch_the_unconditional_half(unet, inputs, expected):
    """Quirk 2, through the whole network and bit for bit."""
    got = replace(inputs, banks=random_banks(2, 8, 8, seed=900)).run(unet)
    assert torch.equal(got[:FRAMES], expected[:FRAMES])
    assert (got[FRAMES:] - expected[FRAMES:]).abs().amax(dim=(1, 2, 3)).min() > 0.01


@pytest.mark.parametrize(
    ("change", "reaches"),
    [
        ({"audio_tokens": normal(901, FRAMES, 6, UNET.audio_token_width)}, "conditional"),
        ({"face_map": normal(902, 1, UNET.block_widths[0], 8, 8)}, "conditional"),
        ({"rows": [1, 0, 1, 0]}, "conditional"),
        ({"weights": torch.zeros(3, FRAMES)}, "both"),
        ({"masks": tiny.region_masks(8, 8, seed=903)}, "both"),
        ({"motion_banks": random_banks(4, 8, 8, seed=904)}, "both"),  # quirk 3
    ],
    ids=["audio", "face map", "bank rows", "weights", "masks", "motion frames"],
)
def test_each_condition_reaches_what_it_should(unet, inputs, expected, change, reaches):
    got = replace(inputs, **change).run(unet)
    assert torch.equal(got[:FRAMES], expected[:FRAMES]) == (reaches == "conditional")
    assert (got[FRAMES:] - expected[FRAMES:]).abs().max() > 0.01


def test_norms_of_tokens_get_their_own_layout(unet, inputs):
    """A layer norm copies a transposed view, and a layer has six such norms besides those of the motion module."""
    strided = []

    def look(_norm, given):
        if not given[0].is_contiguous():
            strided.append(given[0].shape)

    hooks = [each.register_forward_pre_hook(look) for each in unet.modules() if isinstance(each, torch.nn.LayerNorm)]
    try:
        inputs.run(unet)
    finally:
        for hook in hooks:
            hook.remove()
    assert hooks and not strided


def test_the_halves_of_motion_frames_and_face_tokens_are_not_confused(unet, inputs, expected):
    swapped = replace(inputs, motion_banks=inputs.motion_banks.rows([2, 3, 0, 1])).run(unet)
    other_tokens = replace(inputs, face_tokens=inputs.face_tokens[[1, 1]]).run(unet)
    assert (swapped - expected).abs().max() > 0.01
    assert not torch.equal(other_tokens[:FRAMES], expected[:FRAMES])
    assert torch.equal(other_tokens[FRAMES:], expected[FRAMES:])


def test_exchanged_masks_change_the_result(unet, inputs, expected):
    masks = inputs.masks
    exchanged = (RegionMasks(masks.face, masks.pose, masks.lip), RegionMasks(masks.pose, masks.lip, masks.face))
    for other in exchanged:
        assert (replace(inputs, masks=other).run(unet) - expected).abs().max() > 0.02


def test_without_guidance_the_conditional_half_runs_alone(unet, inputs, expected):
    alone = replace(
        inputs,
        noisy=inputs.noisy[FRAMES:],
        motion_banks=inputs.motion_banks.rows([2, 3]),
        face_tokens=inputs.face_tokens[1:],
    )
    torch.testing.assert_close(alone.run(unet), expected[FRAMES:], atol=1e-5, rtol=1e-5)


def test_conditions_serve_every_step_of_a_clip(unet, inputs):
    """Nothing in them is used up or changed by a step."""
    portrait = unet.portrait_conditions(inputs.banks, inputs.face_tokens, inputs.face_map, inputs.masks)
    clip = unet.clip_conditions(portrait, inputs.motion_banks, inputs.audio_tokens, inputs.weights, inputs.rows)
    with torch.inference_mode():
        one, other, again = (unet(inputs.noisy, timestep, clip) for timestep in (999, 499, 999))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_motion_modules_beside_no_attention_are_in_the_checkpoint_and_never_run(inputs, expected):
    """Quirk 1: five of them at the released size, in down_blocks.3 and up_blocks.0."""
    unet = tiny.models().denoising_unet
    sleeping = [*unet.down_blocks[3].motion_modules, *unet.up_blocks[0].motion_modules]
    for parameter in (parameter for module in sleeping for parameter in module.parameters()):
        parameter.fill_(float("nan"))
    assert torch.equal(inputs.run(unet), expected)
    full_size = DenoisingUNet(UNetConfig(), Build(device="meta"))
    assert len(full_size.down_blocks[3].motion_modules) + len(full_size.up_blocks[0].motion_modules) == 5


def test_inner_widths_of_audio_modules_are_those_of_the_blocks_input():
    """Quirk 10, at the released size."""
    unet = DenoisingUNet(UNetConfig(), Build(device="meta"))

    def widths(block):
        return [tuple(audio.proj_in.weight.shape[1::-1]) for audio in block.audio_modules]

    assert [widths(block) for block in unet.down_blocks[:3]] == [
        [(320, 320), (320, 320)],
        [(640, 320), (640, 640)],
        [(1280, 640), (1280, 1280)],
    ]
    assert widths(unet.mid_block) == [(1280, 1280)]
    assert [widths(block) for block in unet.up_blocks[1:]] == [[(1280, 640)] * 3, [(640, 320)] * 3, [(320, 320)] * 3]
    assert not hasattr(unet.down_blocks[3], "audio_modules") and not hasattr(unet.up_blocks[0], "audio_modules")


def test_masks_of_a_level_go_to_the_blocks_of_that_size(unet, inputs):
    """A mask changed at one level only: down 1 and up 2 have it (quirk 11)."""
    face = list(inputs.masks.face)
    face[1] = 1 - face[1]
    portrait = unet.portrait_conditions(
        inputs.banks, inputs.face_tokens, inputs.face_map, replace(inputs.masks, face=tuple(face))
    )
    clip = unet.clip_conditions(portrait, inputs.motion_banks, inputs.audio_tokens, inputs.weights, inputs.rows)
    levels = {
        "down_blocks.0": 0,
        "down_blocks.1": 1,
        "down_blocks.2": 2,
        "mid_block": 3,
        "up_blocks.1": 2,
        "up_blocks.2": 1,
        "up_blocks.3": 0,
    }
    assert set(clip.layers) == set(levels)
    for path, layers in clip.layers.items():
        for given in layers:
            level = levels[path]
            masks = torch.stack([inputs.masks.pose[level], face[level], inputs.masks.lip[level]])
            weights = inputs.weights.T[:, None]
            assert torch.equal(given.audio.gates, masks.T * weights)


@pytest.mark.parametrize(("height", "width"), [(8, 16), (16, 8)])
def test_pictures_need_not_be_square(unet, height, width):
    """The original fails there (quirk 12)."""
    wide = denoising_inputs(2, height=height, width=width)
    got = wide.run(unet)
    assert got.shape == (4, 4, height, width) and bool(got.isfinite().all())
    bottom = [level.clone() for level in wide.masks.face]
    bottom[0][-width:] = 5.0  # the lowest row of tokens
    change = (replace(wide, masks=replace(wide.masks, face=tuple(bottom))).run(unet) - got).abs().mean(dim=(0, 1))
    assert change[-2:].mean() > 2 * change[: height // 2].mean()


@pytest.mark.parametrize("motion_frames", [1, 3, 5])
def test_any_number_of_motion_frames_and_frames(unet, motion_frames):
    got = denoising_inputs(frames=3, motion_frames=motion_frames).run(unet)
    assert got.shape == (6, 4, 8, 8) and bool(got.isfinite().all())


@torch.inference_mode()
def conditions_of(unet, inputs):
    portrait = unet.portrait_conditions(inputs.banks, inputs.face_tokens, inputs.face_map, inputs.masks)
    return unet.clip_conditions(portrait, inputs.motion_banks, inputs.audio_tokens, inputs.weights, inputs.rows)


@torch.inference_mode()
@pytest.mark.parametrize("shallow", [1, 2])
def test_with_its_own_deep_features_a_step_is_itself_to_the_bit(unet, inputs, expected, shallow, monkeypatch):
    """However many layers are shallow, and in either half alone."""
    monkeypatch.setattr(denoising_unet, "SHALLOW_LAYERS", shallow)
    conditions = conditions_of(unet, inputs)
    prediction, deep = unet.with_deep_features(inputs.noisy, 499, conditions)
    assert torch.equal(prediction, expected)
    assert torch.equal(unet.from_deep_features(inputs.noisy, 499, conditions, deep), expected)
    alone = unet.from_deep_features(inputs.noisy[FRAMES:], 499, conditions.conditional_only(), deep[FRAMES:])
    torch.testing.assert_close(alone, expected[FRAMES:], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_shallow_step_sees_its_own_latents_time_and_speech(unet, inputs, expected):
    conditions = conditions_of(unet, inputs)
    _, deep = unet.with_deep_features(inputs.noisy, 499, conditions)
    other_speech = conditions_of(unet, replace(inputs, audio_tokens=normal(9, *inputs.audio_tokens.shape)))
    for noisy, timestep, cond in (
        (inputs.noisy + 1.0, 499, conditions),
        (inputs.noisy, 9, conditions),
        (inputs.noisy, 499, other_speech),
    ):
        got = unet.from_deep_features(noisy, timestep, cond, deep)
        assert (got - expected)[FRAMES:].abs().amax(dim=(1, 2, 3)).min() > 1e-4


@torch.inference_mode()
def test_a_shallow_step_runs_nothing_deep(inputs):
    """A network whose deep layers have become NaN."""
    spoiled = tiny.models().denoising_unet
    conditions = conditions_of(spoiled, inputs)
    _, deep = spoiled.with_deep_features(inputs.noisy, 499, conditions)
    for block in (*spoiled.down_blocks, spoiled.mid_block, *spoiled.up_blocks[:-1]):
        for weight in block.parameters():
            weight.fill_(torch.nan)
    assert spoiled.from_deep_features(inputs.noisy, 499, conditions, deep).isfinite().all()
