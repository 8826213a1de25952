"""`hallo2 prepare` and `hallo2 train`, from nothing to a file of weights."""

import pytest
import torch

from hallo2_core.checkpoints.small_model import SMALL_UPSCALER
from hallo2_core.checkpoints.upscaler import load_upscaler
from hallo2_core.cli import main
from hallo2_core.models.layers import Build
from hallo2_core.training.export import write_weights
from hallo2_core.training.records import RecordShards, write_shard
from hallo2_core.training.small_networks import small_speech_encoder, small_vae

pytest.importorskip("accelerate")

CONFIG = """
output_dir = "{folder}/run"
max_train_steps = 2
train_batch_size = 2
validation_steps = 2
checkpointing_steps = 1
[vae]
frames = "{folder}/pictures"
validation_frames = "{folder}/pictures"
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "vae.toml"
    path.write_text(CONFIG.format(folder=tmp_path.as_posix()))
    return path


def test_pictures_then_a_vae_then_its_file(tmp_path, config, capsys):
    pictures = ["prepare", "pictures", str(tmp_path / "pictures"), "--count", "3", "--frames", "2", "--size", "64"]
    assert main(pictures) == 0
    assert RecordShards(tmp_path / "pictures").read(2, "frames").shape == (2, 3, 64, 64)
    assert main(["train", "vae", "--config", str(config)]) == 0
    out = tmp_path / "vae.safetensors"
    assert main(["train", "vae", "--config", str(config), "--export", str(out)]) == 0
    assert "step 2" in capsys.readouterr().err
    vae = small_vae(str(out))
    latents = vae.encode(torch.zeros(1, 3, 64, 64))
    assert latents.shape == (1, 4, 8, 8) and latents.isfinite().all()


def test_shards_that_are_there_are_kept(tmp_path):
    folder = tmp_path / "pictures"
    write_shard([{"frames": torch.zeros(1, 3, 64, 64, dtype=torch.uint8)}], folder / "pictures-000000.safetensors")
    assert main(["prepare", "pictures", str(folder), "--count", "2", "--size", "64"]) == 0
    assert len(RecordShards(folder)) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("max_train_steps", "max_steps"), "unknown key 'max_steps'"),
        (("max_train_steps = 2", "max_train_steps = 'two'"), "expected int"),
        (("[vae]", "[vea]"), "[vea]"),
        (("[vae]", "[vae"), "not TOML"),
        (("validation_frames", "crop_px = 32\n# "), "is incomplete"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(config, capsys, change, said):
    config.write_text(config.read_text().replace(*change))
    assert main(["train", "vae", "--config", str(config)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_nothing_to_export_is_said(tmp_path, config, capsys):
    write_shard([{"frames": torch.zeros(1, 3, 64, 64, dtype=torch.uint8)}], tmp_path / "pictures" / "p.safetensors")
    assert main(["train", "vae", "--config", str(config), "--export", str(tmp_path / "x.safetensors")]) == 2
    assert "no checkpoint" in capsys.readouterr().err


def test_clips_want_what_they_are_made_with(tmp_path, capsys):
    assert main(["prepare", "clips", str(tmp_path)]) == 2
    assert "--vae" in capsys.readouterr().err


def test_a_file_of_another_network_is_refused(tmp_path, config, capsys):
    other = tmp_path / "speech.safetensors"
    write_weights(small_speech_encoder().wav2vec.state_dict(), other)
    config.write_text(config.read_text() + f'weights = "{other.as_posix()}"\n')
    assert main(["train", "vae", "--config", str(config)]) == 2
    assert "small model's weights" in capsys.readouterr().err


UPSCALER_CONFIG = """
output_dir = "{folder}/run"
max_train_steps = 1
train_batch_size = 1
[upscaler_autoencoder]
faces = "{folder}/faces"
validation_faces = "{folder}/faces"
crop_px = 64
"""


def test_faces_then_the_upscaler_s_autoencoder_then_its_file(tmp_path):
    vae, out, config = tmp_path / "vae.safetensors", tmp_path / "upscaler.safetensors", tmp_path / "upscaler.toml"
    write_weights(small_vae().state_dict(), vae)
    assert main(["prepare", "faces", str(tmp_path / "faces"), "--count", "1", "--frames", "1", "--vae", str(vae)]) == 0
    config.write_text(UPSCALER_CONFIG.format(folder=tmp_path.as_posix()))
    train = ["train", "upscaler_autoencoder", "--config", str(config)]
    assert main(train) == main([*train, "--export", str(out)]) == 0
    restorer = load_upscaler(out, Build(dtype=torch.float32), config=SMALL_UPSCALER).restorer
    with torch.inference_mode():
        restored = restorer(torch.zeros(1, 1, 3, 512, 512), fidelity=1.0)
    assert restored.frames.shape == (1, 1, 3, 512, 512) and restored.frames.isfinite().all()
    assert out.stat().st_size < 3e6


@pytest.mark.parametrize(("kind", "said"), [("faces", "need --vae"), ("face_codes", "--autoencoder and --upscaler")])
def test_faces_without_the_files_they_need(tmp_path, capsys, kind, said):
    assert main(["prepare", kind, str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_videos_want_a_data_set_and_encoders(tmp_path, capsys):
    assert main(["prepare", "videos", "--vae", "x"]) == 2
    assert "needs --dataset_config, --speech-encoder" in capsys.readouterr().err
    assert main(["prepare", "clips"]) == 2
    assert "needs DIR" in capsys.readouterr().err


def test_filmed_clips_are_not_scored(tmp_path, capsys):
    """Said before the training starts: a record without the truth of its mouth."""
    write_shard([{"latents": torch.zeros(30, 4, 8, 8)}], tmp_path / "clips" / "x.safetensors")
    vae = tmp_path / "vae.safetensors"
    write_weights(small_vae().state_dict(), vae)
    clips = (tmp_path / "clips").as_posix()
    config = tmp_path / "joint.toml"
    config.write_text(
        f'output_dir = "{tmp_path.as_posix()}"\n[joint]\nclips = "{clips}"\nvalidation_clips = "{clips}"\n'
        f'vae = "{vae.as_posix()}"\n'
    )
    assert main(["train", "joint", "--config", str(config)]) == 2
    assert "true mouths are unknown" in capsys.readouterr().err
