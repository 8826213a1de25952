from dataclasses import replace

import pytest
import torch
from stand_ins import PressedCancelError, RecordingRuntime
from tiny import normal, portrait, shared_models

from hallo2_core.animation.reference_banks import (
    build_reference,
    motion_banks,
    motion_token_sets,
    portrait_banks,
    reference_rows,
)
from hallo2_core.models.latents import VAECodec, encode_pictures

MODELS = shared_models()


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("count", [2, 4, 6, 8])
def test_even_counts_tile_the_token_sets_as_the_release_does(count):
    """Quirk 4: u, c, u, c, … over a doubled batch, each with its portrait first."""
    rows_of_a_half = 1 + count
    tiled = [row % 2 for row in range(2 * rows_of_a_half)]
    motion_rows = [row for row in range(2 * rows_of_a_half) if row % rows_of_a_half]
    assert motion_token_sets(count) == [tiled[row] for row in motion_rows]


@pytest.mark.parametrize("count", range(1, 9))
def test_the_rule_is_the_same_for_odd_counts(count):
    unconditional, conditional = motion_token_sets(count)[:count], motion_token_sets(count)[count:]
    assert unconditional == [row % 2 for row in range(1, count + 1)]
    assert conditional == [1 - row % 2 for row in range(1, count + 1)]


@pytest.mark.parametrize("frames", [1, 4, 5, 16])
def test_portrait_banks_alternate_over_the_frames_as_released(frames):
    """Quirk 2: two banks tiled over the doubled frames; these are the conditional half's."""
    tiled = [row % 2 for row in range(2 * frames)]
    assert reference_rows(frames, 2) == tiled[frames:]


def test_aligned_banks_and_no_guidance():
    assert reference_rows(3, 2, "aligned") == [1, 1, 1]
    assert reference_rows(3, 1) == [0, 0, 0]
    assert reference_rows(3, 1, "aligned") == [0, 0, 0]


def test_motion_banks_hold_each_frame_with_the_tokens_it_is_given():
    latents, tokens = normal(1, 3, 4, 8, 8), normal(2, 2, 4, 24)
    banks = motion_banks(MODELS.reference_net, latents, tokens)
    for row, token_set in enumerate(motion_token_sets(3)):
        alone = MODELS.reference_net(latents[[row % 3]], tokens[[token_set]])
        for path, expected in alone.layers.items():
            torch.testing.assert_close(banks.layers[path][0][[row]], expected[0], atol=1e-5, rtol=1e-5)


def test_without_guidance_all_pictures_take_the_one_token_set():
    latents, tokens = normal(1, 2, 4, 8, 8), normal(2, 1, 4, 24)
    banks = motion_banks(MODELS.reference_net, latents, tokens)
    expected = MODELS.reference_net(latents, tokens[[0, 0]])
    assert torch.equal(banks.layers["mid_block"][0], expected.layers["mid_block"][0])


def test_the_reference_holds_the_portrait_under_both_token_sets():
    runtime, person = RecordingRuntime(), portrait(64, 128)
    codec = VAECodec(MODELS.vae, runtime)
    reference = build_reference(MODELS, person, codec, runtime)
    identities = torch.stack([torch.zeros(512), person.identity])
    tokens = MODELS.image_projection(identities)
    latents = encode_pictures(codec, person.pixels.unsqueeze(0))
    torch.testing.assert_close(reference.face_tokens, tokens)
    expected = portrait_banks(MODELS.reference_net, latents, tokens).layers
    assert reference.banks.layers.keys() == expected.keys()
    for path, banks in reference.banks.layers.items():
        torch.testing.assert_close(banks[0], expected[path][0])
    assert not torch.equal(*reference.banks.layers["mid_block"][0])
    assert torch.equal(reference.face_map, MODELS.face_locator(person.face_region.unsqueeze(0)))
    assert reference.face_map.shape == (1, 32, 8, 16)
    assert reference.portrait is person
    called = {id(module) for modules in runtime.made_ready for module in modules}
    assert called == {id(m) for m in (MODELS.vae, MODELS.image_projection, MODELS.face_locator, MODELS.reference_net)}


def test_cancel_is_heard_before_the_work():
    runtime = RecordingRuntime(cancel_after=0)
    with pytest.raises(PressedCancelError):
        build_reference(MODELS, portrait(), VAECodec(MODELS.vae, runtime), runtime)
    assert not runtime.made_ready


def test_an_unknown_face_has_the_same_tokens_in_both_halves():
    runtime = RecordingRuntime()
    nobody = replace(portrait(), identity=torch.zeros(512))
    reference = build_reference(MODELS, nobody, VAECodec(MODELS.vae, runtime), runtime)
    assert torch.equal(reference.face_tokens[0], reference.face_tokens[1])
