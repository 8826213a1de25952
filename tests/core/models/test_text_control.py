from dataclasses import replace

import pytest
import tiny
import torch

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import TextControlConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.text_control import TextControl, TextModulation, modulated
from hallo2_core.models.unet_blocks import attention_blocks, layers_that_attend

CONFIG = replace(TextControlConfig.fitting(tiny.UNET), text_width=12, hidden_width=10)
FRAMES = 4


@pytest.fixture(scope="module")
def control():
    made = TextControl(CONFIG, Build())
    fill_with_seeded_weights(made, "text_control.")
    return made


@pytest.fixture(scope="module")
def conditions():
    unet, given = tiny.shared_models().denoising_unet, tiny.denoising_inputs(FRAMES)
    portrait = unet.portrait_conditions(given.banks, given.face_tokens, given.face_map, given.masks)
    return unet.clip_conditions(portrait, given.motion_banks, given.audio_tokens, given.weights, given.rows)


@torch.inference_mode()
def predict(conditions):
    return tiny.shared_models().denoising_unet(tiny.denoising_inputs(FRAMES).noisy, 499, conditions)


def independent(x, gamma, beta):
    """The formula, read off the paper's Figure 3, for one frame (c h w) in float64."""
    mean = x.mean(dim=0, keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=0, keepdim=True)
    normed = (x - mean) / (variance + 1e-5).sqrt()
    return x + (gamma[:, None, None] * normed + beta[:, None, None])


def test_the_formula_is_the_papers():
    x, gamma, beta = tiny.normal(1, 2, 8, 3, 5).double(), tiny.normal(2, 2, 8).double(), tiny.normal(3, 2, 8).double()
    expected = torch.stack([independent(*frame) for frame in zip(x, gamma, beta, strict=True)])
    assert (modulated(x, TextModulation(gamma, beta)) - expected).abs().max() <= 1e-6
    in_float32 = modulated(x.float(), TextModulation(gamma.float(), beta.float()))
    assert (in_float32 - expected).abs().max() <= 1e-5


def test_only_the_conditional_half_is_changed():
    x, text = tiny.normal(1, 6, 8, 2, 2), TextModulation(tiny.normal(2, 3, 8), tiny.normal(3, 3, 8))
    changed = modulated(x, text)
    assert torch.equal(changed[:3], x[:3])
    assert torch.equal(changed[3:], modulated(x[3:], text))
    assert not torch.equal(changed[3:], x[3:])


def test_there_is_an_mlp_for_every_layer_that_attends_of_its_width():
    unet = tiny.shared_models().denoising_unet
    counted = layers_that_attend(tiny.UNET.block_widths, tiny.UNET.layers_per_block)
    assert list(counted) == list(attention_blocks(unet))
    for path, attentions in attention_blocks(unet).items():
        layers, width = counted[path]
        assert (layers, width) == (len(attentions), attentions[0].proj_out.out_channels), path


def test_frames_without_a_prompt_get_exact_zeros(control):
    presence = torch.tensor([0.0, 1.0, 0.0, 0.5])
    for entries in control(tiny.normal(1, FRAMES, 12), presence).values():
        for entry in entries:
            for part in (entry.gamma, entry.beta):
                assert not part[0].any() and not part[2].any()
                assert part[1].any() and part[3].any()


def test_half_a_presence_is_half_the_change(control):
    embeddings = tiny.normal(1, 1, 12).expand(2, -1)
    for entries in control(embeddings, torch.tensor([1.0, 0.5])).values():
        for entry in entries:
            torch.testing.assert_close(entry.gamma[1], entry.gamma[0] / 2)
            torch.testing.assert_close(entry.beta[1], entry.beta[0] / 2)


def test_an_adapter_that_ends_in_zeros_changes_no_bit(conditions):
    zero = TextControl(CONFIG, Build())
    fill_with_seeded_weights(zero, "text_control.")
    for key, parameter in zero.named_parameters():
        if ".linear_2." in key:
            parameter.zero_()
    text = zero(tiny.normal(1, FRAMES, 12), torch.ones(FRAMES))
    assert torch.equal(predict(conditions.with_text(text)), predict(conditions))


def test_a_prompt_reaches_the_conditional_half_only(control, conditions):
    text = control(tiny.normal(1, FRAMES, 12), torch.ones(FRAMES))
    plain, prompted = predict(conditions), predict(conditions.with_text(text))
    assert torch.equal(prompted[:FRAMES], plain[:FRAMES])
    assert (prompted[FRAMES:] - plain[FRAMES:]).abs().max() > 0.01


def test_a_pass_over_the_conditional_half_alone_is_that_half(control, conditions):
    given = tiny.denoising_inputs(FRAMES)
    alone = conditions.with_text(control(tiny.normal(1, FRAMES, 12), torch.ones(FRAMES)))
    with torch.inference_mode():
        got = tiny.shared_models().denoising_unet(given.noisy[FRAMES:], 499, alone.conditional_only())
    torch.testing.assert_close(got, predict(alone)[FRAMES:], atol=2e-6, rtol=1e-5)
