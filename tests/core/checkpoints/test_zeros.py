import pytest

from hallo2_core.checkpoints.build import load_hallo2, load_vae
from hallo2_core.checkpoints.demo import TRAINED
from hallo2_core.checkpoints.small_model import SMALL_HALLO2, SMALL_UPSCALER, SMALL_VAE, SMALL_WAV2VEC
from hallo2_core.checkpoints.speech_encoder import load_speech_encoder
from hallo2_core.checkpoints.upscaler import load_upscaler
from hallo2_core.errors import CheckpointError

LOADERS = {
    "small_hallo2": (load_hallo2, SMALL_HALLO2),
    "small_vae": (load_vae, SMALL_VAE),
    "small_speech_encoder": (load_speech_encoder, SMALL_WAV2VEC),
    "small_upscaler": (load_upscaler, SMALL_UPSCALER),
}


@pytest.mark.parametrize("name", LOADERS)
def test_a_download_that_only_reserved_its_space_is_not_loaded(tmp_path, name):
    load, config = LOADERS[name]
    path = tmp_path / f"{name}.safetensors"
    content = bytearray((TRAINED / path.name).read_bytes())
    path.write_bytes(content)
    load(path, config=config)
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{path.name} is damaged: about 3.% of it is zeros"):
        load(path, config=config)
