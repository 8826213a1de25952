import pytest
import torch
from seeded_models import seeded_speech_encoder
from tiny import models

from hallo2_core.errors import SettingsError
from hallo2_core.training.data_settings import VAE as VAE_NOTE
from hallo2_core.training.data_settings import check_alike, check_clips_fit, claim_folder, data_settings, face_settings
from hallo2_core.training.records import write_shard

VAE, SPEECH = models().vae, seeded_speech_encoder()


def claimed(folder, resolution=128, vae=VAE):
    claim_folder(folder, data_settings("cartoons", resolution, 25, vae, SPEECH))
    return folder


def test_a_folder_has_one_kind_of_clips(tmp_path):
    claimed(claimed(tmp_path))
    with pytest.raises(SettingsError, match="prepared with resolution 128; now it is resolution 64"):
        claimed(tmp_path, resolution=64)


def test_clips_from_before_there_were_notes_stay_without_one(tmp_path):
    write_shard([{"a": torch.tensor([1])}], tmp_path / "x-0.safetensors")
    claimed(tmp_path)
    check_clips_fit([tmp_path], models().vae)
    assert not (tmp_path / "prepared.json").exists()


def test_training_wants_the_encoder_of_the_clips_but_may_change_the_decoder(tmp_path):
    claimed(tmp_path)
    other = models().vae
    other.decoder.conv_in.weight.data += 1.0
    check_clips_fit([tmp_path], other)
    other.encoder.conv_in.weight.data += 1.0
    with pytest.raises(SettingsError, match="encoded by another VAE"):
        check_clips_fit([tmp_path], other)


def test_folders_of_one_run_are_alike(tmp_path):
    folders = [claimed(tmp_path / "a"), claimed(tmp_path / "b"), claimed(tmp_path / "c", resolution=64)]
    check_clips_fit(folders[:2], VAE)
    with pytest.raises(SettingsError, match=r"c cannot be used for training together: resolution is 128 and 64"):
        check_clips_fit(folders, VAE)


def claimed_faces(folder, source="faces, train", vae=VAE):
    claim_folder(folder, face_settings(source, 512, vae, 0.1))
    return folder


def other_vae():
    """With another decoder: a video's faces are what it decodes."""
    vae = models().vae
    vae.decoder.conv_in.weight.data += 1.0
    return vae


def test_faces_for_the_upscaler_are_of_one_vae(tmp_path):
    train = claimed_faces(claimed_faces(tmp_path / "train"))
    with pytest.raises(SettingsError, match="prepared with vae"):
        claimed_faces(train, vae=other_vae())
    check_alike([train, claimed_faces(tmp_path / "held_back", "faces, held_back")], [VAE_NOTE])
    with pytest.raises(SettingsError, match="cannot be used for training together: vae is"):
        check_alike([train, claimed_faces(tmp_path / "others", vae=other_vae())], [VAE_NOTE])
    check_alike([train, tmp_path / "without a note"], [VAE_NOTE])
