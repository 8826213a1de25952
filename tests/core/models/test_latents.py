import pytest
import tiny
import torch
from stand_ins import RecordingRuntime
from tiny import normal

from hallo2_core.errors import PrecisionError
from hallo2_core.models.latents import VAECodec, decode_frames, decoding_bytes, encode_pictures


class RecordingCodec:
    """Encodes to the mean of 8×8 pixels, decodes to a flat colour; keeps what it was given."""

    def __init__(self):
        self.encoded, self.decoded = [], []

    def encode(self, picture):
        self.encoded.append(picture)
        return torch.nn.functional.avg_pool2d(picture, 8).mean(dim=1, keepdim=True).expand(-1, 4, -1, -1)

    def decode(self, latents):
        self.decoded.append(latents)
        return latents[:, :3].repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)


def test_pictures_are_encoded_one_by_one_and_scaled():
    codec, pictures = RecordingCodec(), normal(1, 3, 3, 16, 24)
    latents = encode_pictures(codec, pictures)
    assert latents.shape == (3, 4, 2, 3)
    assert [picture.shape[0] for picture in codec.encoded] == [1, 1, 1]
    assert torch.equal(latents[1:2], codec.encode(pictures[1:2]) * 0.18215)


def test_latents_that_are_not_finite_are_blamed_on_the_vae():
    with pytest.raises(PrecisionError, match="latents of a picture .* the VAE .* --fp32-vae"):
        encode_pictures(RecordingCodec(), normal(1, 1, 3, 16, 24) * float("inf"))


def test_frames_are_decoded_one_by_one_when_they_are_asked_for():
    """Quirk 18, and memory that does not grow with the clip."""
    codec, latents = RecordingCodec(), normal(1, 3, 4, 2, 3)
    frames = decode_frames(codec, latents)
    assert not codec.decoded
    first = next(frames)
    assert len(codec.decoded) == 1 and first.shape == (3, 16, 24)
    assert torch.equal(codec.decoded[0], latents[:1] / 0.18215)
    assert len(list(frames)) == 2


def test_our_vae_gives_pictures_within_0_and_1_and_is_made_ready_first():
    runtime, vae = RecordingRuntime(), tiny.shared_models().vae
    codec = VAECodec(vae, runtime)
    with torch.inference_mode():
        mean = codec.encode(normal(1, 1, 3, 64, 64).double())
        picture = codec.decode(10 * normal(2, 1, 4, 8, 8))
        raw = vae.decode(10 * normal(2, 1, 4, 8, 8))
    assert mean.dtype == torch.float32  # the VAE's
    assert picture.min() == 0.0 and picture.max() == 1.0
    assert torch.equal(picture, (raw / 2 + 0.5).clamp(0, 1))
    assert runtime.made_ready == [(vae,), (vae,)]


def test_a_frame_of_the_trained_size_takes_one_and_a_half_gibibytes_to_decode():
    assert decoding_bytes(512, 512) == 1.5 * 2**30
    assert decoding_bytes(64, 128) == 2 * decoding_bytes(64, 64)
