import torch
from tiny import CONFIG, normal, shared_models


@torch.no_grad()
def test_audio_tokens_of_a_frame_depend_on_its_own_window():
    projection, windows = shared_models().audio_projection, normal(1, 3, 5, 4, 32)
    tokens = projection(windows)
    assert tokens.shape == (3, CONFIG.audio_projection.tokens, CONFIG.audio_projection.token_width)
    torch.testing.assert_close(projection(windows[1:2]), tokens[1:2])


@torch.no_grad()
def test_every_frame_of_the_window_and_every_layer_counts():
    projection, windows = shared_models().audio_projection, normal(1, 1, 5, 4, 32)
    tokens = projection(windows)
    for frame in range(5):
        for layer in range(4):
            changed = windows.clone()
            changed[0, frame, layer] += 1.0
            assert not torch.allclose(projection(changed), tokens, atol=1e-3)
