import pytest
import torch
from tiny import denoising_inputs, normal, shared_models

from hallo2_core.models.attention_recorder import AttentionRecorder, spatial_record, temporal_record

FRAMES, TOKENS, HEADS, WIDTH, MOTION = 3, 10, 4, 32, 2


def rows_of_attention(q, k):
    """From the fused attention itself: with the unit vectors as values, what comes out are the probabilities.
    One head at a time; their mean, (b l m) in float64."""
    places = k.shape[1]
    one_hot = torch.eye(places, dtype=torch.float64).expand(k.shape[0], -1, -1)
    heads = zip(q.double().chunk(HEADS, -1), k.double().chunk(HEADS, -1), strict=True)
    return torch.stack(
        [torch.nn.functional.scaled_dot_product_attention(one_q, one_k, one_hot) for one_q, one_k in heads]
    ).mean(dim=0)


@pytest.mark.parametrize("piece", [1, 7 * HEADS * TOKENS, 2**24], ids=["one query", "uneven pieces", "in one go"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_spatial_looks_are_those_of_the_fused_attention(piece, dtype):
    q, k = normal(1, FRAMES, TOKENS, WIDTH).to(dtype), normal(2, FRAMES, 2 * TOKENS, WIDTH).to(dtype)
    record, expected = spatial_record(q, k, HEADS, piece), rows_of_attention(q, k).float()
    torch.testing.assert_close(record.own, expected[..., :TOKENS].sum(-1), atol=1e-6, rtol=0)
    torch.testing.assert_close(record.portrait, expected[..., TOKENS:].sum(-1), atol=1e-6, rtol=0)
    torch.testing.assert_close(record.received, expected[..., TOKENS:].sum(-2), atol=1e-5, rtol=0)
    assert (record.own + record.portrait - 1).abs().max() < 1e-5
    assert {part.dtype for part in record} == {torch.float32}


@pytest.mark.parametrize("piece", [1, 3 * 6 * (HEADS * 6 + 2 * WIDTH), 2**24], ids=["one place", "pieces", "in one go"])
def test_temporal_looks_are_those_of_the_fused_attention(piece):
    q, k = normal(3, TOKENS, 6, WIDTH), normal(4, TOKENS, 6, WIDTH)
    record, expected = temporal_record(q[:, MOTION:], k, HEADS, piece), rows_of_attention(q, k).float()[:, MOTION:]
    torch.testing.assert_close(record.motion, expected[..., :MOTION].sum(-1).T, atol=1e-6, rtol=0)
    torch.testing.assert_close(record.frames, expected.mean(dim=0), atol=1e-6, rtol=0)
    assert (record.frames.sum(dim=1) - 1).abs().max() < 1e-5


def test_large_logits_in_half_precision_still_give_probabilities():
    q = 300 * normal(1, 1, TOKENS, WIDTH).half()
    record = spatial_record(q, torch.cat([q, q], dim=1), HEADS)
    assert all(bool(part.isfinite().all()) for part in record) and (record.own + record.portrait - 1).abs().max() < 1e-5


def recorded_run(given, recorder, timestep=499):
    unet = shared_models().denoising_unet
    with torch.inference_mode():
        portrait = unet.portrait_conditions(given.banks, given.face_tokens, given.face_map, given.masks)
        clip = unet.clip_conditions(portrait, given.motion_banks, given.audio_tokens, given.weights, given.rows)
        return unet(given.noisy, timestep, clip.recorded_by(recorder))


@pytest.mark.parametrize("size", [(8, 8), (8, 24)])
def test_watching_changes_no_bit_of_the_prediction(size):
    given, recorder = denoising_inputs(height=size[0], width=size[1]), AttentionRecorder(0, range(1))
    assert torch.equal(recorded_run(given, recorder), given.run(shared_models().denoising_unet))
    tokens = [(size[0] >> level) * (size[1] >> level) for level in range(4)]
    assert list(recorder.spatial()) == list(recorder.temporal()) == tokens
    for level in tokens:
        spatial, temporal = recorder.spatial()[level], recorder.temporal()[level]
        assert [part.shape for part in spatial] == [(4, level)] * 3
        assert temporal.motion.shape == (4, level) and temporal.frames.shape == (4, 6)
        assert (spatial.own + spatial.portrait - 1).abs().max() < 1e-5
        assert (temporal.frames.sum(dim=1) - 1).abs().max() < 1e-5
        torch.testing.assert_close(spatial.received.sum(1), spatial.portrait.sum(1))
        torch.testing.assert_close(temporal.frames[:, :MOTION].sum(1), temporal.motion.mean(1))


def test_what_was_seen_is_the_conditional_half():
    """The same where the other half is gone, or is given something else; another where this half is."""
    guided, alone = denoising_inputs(), AttentionRecorder(0, range(1))
    recorder = AttentionRecorder(0, range(1))
    recorded_run(guided, recorder)
    off = type(guided)(**vars(guided) | {
        "noisy": guided.noisy[4:], "motion_banks": guided.motion_banks.rows([2, 3]),
        "face_tokens": guided.face_tokens[1:],
    })  # fmt: skip
    recorded_run(off, alone)
    for tokens in recorder.spatial():
        for ours, theirs in zip(recorder.spatial()[tokens] + recorder.temporal()[tokens],
                                alone.spatial()[tokens] + alone.temporal()[tokens], strict=True):  # fmt: skip
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_what_was_seen_is_a_mean_over_the_steps():
    given, both = denoising_inputs(), AttentionRecorder(0, range(2))
    single = [AttentionRecorder(0, range(2)) for _ in range(2)]
    for recorder, timestep in zip(single, (900, 100), strict=True):
        recorded_run(given, recorder, timestep)
        recorded_run(given, both, timestep)
    early, late = (recorder.spatial()[64].portrait for recorder in single)
    assert (early - late).abs().max() > 1e-4
    torch.testing.assert_close(both.spatial()[64].portrait, (early + late) / 2)
