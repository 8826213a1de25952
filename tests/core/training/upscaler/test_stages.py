"""Each stage learns one batch, and only its own part of the upscaler."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch

from hallo2_core import training
from hallo2_core.errors import SettingsError
from hallo2_core.training.config_file import read_config, settings_from
from hallo2_core.training.data_settings import check_codes_fit, found_settings
from hallo2_core.training.records import RecordShards
from hallo2_core.training.settings import TrainSettings
from hallo2_core.training.upscaler.alignment_stage import AlignmentSettings, AlignmentStage
from hallo2_core.training.upscaler.autoencoder_stage import AutoencoderSettings, AutoencoderStage
from hallo2_core.training.upscaler.code_stage import CodeSettings, CodeStage
from hallo2_core.training.upscaler.degradation import DegradationSettings
from hallo2_core.training.upscaler.drawing_stage import DrawingSettings, DrawingStage
from hallo2_core.training.upscaler.fusion_stage import FusionSettings, FusionStage
from hallo2_core.training.upscaler.latent_stage import LatentSettings, LatentStage
from hallo2_core.training.upscaler.prepare_codes import CODES, FEATURES, prepare_face_codes
from hallo2_core.training.upscaler.quantization import nearest_codes

CONFIGS = Path(training.__file__).parent / "configs"
SPATIAL_PARTS = ("encoder.", "feature_embedding.", "position_embedding.", "code_head.", "temporal_alignment.0.spatial_")
TRAINED = {
    "upscaler_drawing": ("encoder.", "fusion.", "generator."),
    "upscaler_autoencoder": ("encoder.", "codebook.", "generator."),
    "upscaler_codes": SPATIAL_PARTS,
    "upscaler_fusion": ("encoder.", "fusion.", "generator."),
    "upscaler_alignment": ("temporal_alignment.0.temporal_",),
    "upscaler_latents": ("latent_encoder.",),
}


def coded_clips(restorer, faces_folder, folder):
    list(prepare_face_codes(folder, faces_folder, restorer, deepcopy(restorer.encoder), DegradationSettings()))
    return RecordShards(folder)


@pytest.fixture(params=TRAINED)
def stage(request, restorer, faces, tmp_path):
    sharp = deepcopy(restorer.encoder)
    if request.param == "upscaler_drawing":
        return DrawingStage(restorer, DrawingSettings("", "", crop_px=32), faces, faces, seed=1)
    if request.param == "upscaler_autoencoder":
        return AutoencoderStage(restorer, AutoencoderSettings("", "", crop_px=32), faces, faces, seed=1)
    if request.param == "upscaler_codes":
        return CodeStage(restorer, sharp, CodeSettings("", "", ""), faces, faces, seed=1)
    if request.param == "upscaler_fusion":
        return FusionStage(restorer, sharp, FusionSettings("", "", "", ""), faces, faces, seed=1)
    if request.param == "upscaler_latents":
        return LatentStage(restorer, sharp, LatentSettings("", "", "", ""), faces, faces, seed=1)
    clips = coded_clips(restorer, tmp_path / "faces", tmp_path / "codes")
    return AlignmentStage(restorer, AlignmentSettings("", "", "", frames=2), clips, clips, seed=1)


def test_a_stage_learns_one_batch_with_its_own_part_alone(stage):
    before = {name: value.clone() for name, value in stage.network.state_dict().items()}
    batch = stage.batch(range(2)).to("cpu")
    trained = [parameter for parameter in stage.network.parameters() if parameter.requires_grad]
    # Drawing and fusion begin as an enlargement, which larger steps destroy.
    optimizer = torch.optim.Adam(trained, {"upscaler_drawing": 1e-3, "upscaler_fusion": 3e-3}.get(stage.name, 1e-2))
    losses = []
    for _ in range(25):
        loss = stage.network(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.85 * losses[0]
    changed = {name for name, value in stage.network.state_dict().items() if not torch.equal(value, before[name])}
    own = tuple(f"restorer.{part}" for part in TRAINED[stage.name])
    assert changed and all(name.startswith(own) for name in changed)
    assert all(any(name.startswith(part) for name in changed) for part in own)


def test_codes_can_be_learned_from_a_frozen_encoder(restorer, faces):
    settings = CodeSettings("", "", "", freezes_encoder=True)
    stage = CodeStage(restorer, deepcopy(restorer.encoder), settings, faces, faces, seed=1)
    trained = [name for name, parameter in stage.network.named_parameters() if parameter.requires_grad]
    assert all(name.startswith(tuple(f"restorer.{part}" for part in SPATIAL_PARTS[1:])) for name in trained)


def test_a_sample_is_the_same_in_every_batch(stage):
    def tensors(batch):
        return [batch] if isinstance(batch, torch.Tensor) else list(vars(batch).values())

    for whole, part in zip(tensors(stage.batch(range(6))), tensors(stage.batch(range(4, 6))), strict=True):
        assert torch.equal(whole[4:], part)


def test_validation_gives_figures(stage):
    figures = stage.validate()
    assert figures and all(isinstance(value, float) and value == value for value in figures.values())


def test_muon_trains_no_table_and_no_end(stage):
    taken = {n for n, p in stage.network.named_parameters() if p.requires_grad and stage.is_matrix(n, p)}
    assert not any("codebook" in name or "position" in name or "code_head" in name for name in taken)
    first = ("restorer.encoder.blocks.0.", "restorer.latent_encoder.blocks.0.")
    assert not any(name.startswith(first) for name in taken)


def test_parts_of_both_pictures_are_from_the_same_place(restorer, faces):
    whole, part = (
        DrawingStage(restorer, DrawingSettings("", "", crop_px=side, color_swap_ratio=0.0), faces, faces, seed=1)
        for side in (0, 32)
    )
    faces_and_parts = [
        torch.cat([batch.given, batch.true], dim=1)
        for batch in (one.batch(range(6)).to(torch.device("cpu")) for one in (whole, part))
    ]
    corners = range(0, 64 - 32 + 1, 8)
    for face, cut in zip(*faces_and_parts, strict=True):
        assert any(torch.allclose(face[:, y : y + 32, x : x + 32], cut, atol=1e-5) for y in corners for x in corners)


def test_what_is_given_shows_what_is_true(restorer, faces):
    """Mirrored, cut out and recolored alike: only detail differs."""
    nothing = DegradationSettings(blur_px=0.0, noise=0.0, shade=0.0)
    settings = DrawingSettings("", "", crop_px=32, color_swap_ratio=1.0, degradation=nothing)
    batch = DrawingStage(restorer, settings, faces, faces, seed=1).batch(range(8)).to(torch.device("cpu"))
    assert batch.given.shape == batch.true.shape == (8, 3, 32, 32)
    assert (batch.given - batch.true).abs().mean() < 0.3 * (batch.given.flip(-1) - batch.true).abs().mean()


def test_drawing_without_codes_is_the_whole_upscaler_but_for_the_codes(restorer, faces):
    """At fidelity 1 the fresh upscaler shows what it is given, with codes and without."""
    stage = DrawingStage(restorer, DrawingSettings("", ""), faces, faces, seed=1)
    given = torch.rand(1, 3, 64, 64) * 1.6 - 0.8
    with torch.no_grad():
        torch.testing.assert_close(
            stage.restored(given, 1.0), restorer(given.unsqueeze(1), fidelity=1.0).frames[:, 0], atol=0.05, rtol=0
        )


def test_a_codebook_is_fitted_to_the_features_of_the_faces(restorer, faces):
    with torch.no_grad():
        restorer.codebook.embedding.weight += 50.0  # far from all features
    stage = AutoencoderStage(restorer, AutoencoderSettings("", "", fitted_faces=2), faces, faces, seed=1)
    before = stage.validate()["perplexity"]
    stage.initialize()
    assert stage.validate()["perplexity"] > 2 * before


def test_layers_over_time_change_nothing_before_they_are_trained(restorer):
    frames = torch.rand(1, 3, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        together = restorer(frames, fidelity=0.0).frames
        one_by_one = torch.cat([restorer(frame, fidelity=0.0).frames for frame in frames.split(1, dim=1)], dim=1)
    torch.testing.assert_close(together, one_by_one, atol=1e-4, rtol=1e-4)


def test_face_codes_are_features_of_what_is_seen_and_codes_of_what_is_true(restorer, faces, tmp_path):
    folder = tmp_path / "codes"
    nothing = DegradationSettings(blur_px=0.0, noise=0.0, shade=0.0)
    [path] = prepare_face_codes(folder, tmp_path / "faces", restorer, restorer.encoder, nothing)
    codes = RecordShards(folder)
    true = faces.read(1, "frames").float() / 127.5 - 1.0
    with torch.no_grad():
        expected = nearest_codes(restorer.encoder(true)[0], restorer.codebook)
    assert torch.equal(codes.read(1, CODES).long(), expected)
    assert codes.read(1, FEATURES).shape == (3, 4, 8, 8) and codes.read(1, FEATURES).dtype == torch.float16
    made = path.stat().st_mtime_ns
    list(prepare_face_codes(folder, tmp_path / "faces", restorer, restorer.encoder, nothing))
    assert path.stat().st_mtime_ns == made


def test_face_codes_are_of_one_upscaler_and_note_the_faces_vae(restorer, faces, tmp_path):
    clips, codes, other = tmp_path / "faces", tmp_path / "codes", deepcopy(restorer)
    next(other.encoder.parameters()).data += 1.0
    (clips / "prepared.json").write_text('{"vae": "some VAE"}')
    coded_clips(restorer, clips, codes)
    assert found_settings(codes)["vae"] == "some VAE"
    check_codes_fit([codes], restorer)
    with pytest.raises(SettingsError, match="made with another upscaler"):
        check_codes_fit([codes], other)
    with pytest.raises(SettingsError, match="prepared with face_encoder"):
        coded_clips(other, clips, codes)


SETTINGS = {
    "upscaler_drawing": DrawingSettings,
    "upscaler_autoencoder": AutoencoderSettings,
    "upscaler_codes": CodeSettings,
    "upscaler_fusion": FusionSettings,
    "upscaler_alignment": AlignmentSettings,
    "upscaler_latents": LatentSettings,
}


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("small_upscaler_*.toml")), ids=lambda path: path.stem)
def test_a_configuration_is_of_its_stage(config):
    table = read_config(config)
    [name] = SETTINGS.keys() & table
    settings_from(SETTINGS[name], table.pop(name), config.name)
    settings_from(TrainSettings, table, config.name)
