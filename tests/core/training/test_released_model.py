"""The paper's beginning: a picture model and motion modules, each from its file, and fresh weights for the rest."""

import torch
from safetensors.torch import load_file, save_file
from tiny import normal
from tiny_training import CONFIG, ON_META, write_clips

from hallo2_core.checkpoints.motion_modules import TRANSFORMER
from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks
from hallo2_core.checkpoints.picture_model import ADDED_MODULES
from hallo2_core.training.denoiser_objective import ObjectiveSettings
from hallo2_core.training.export import export_stage
from hallo2_core.training.picture_objective import PictureObjective
from hallo2_core.training.picture_stage import PictureStage, PictureStageSettings
from hallo2_core.training.records import RecordShards
from hallo2_core.training.released_model import ModelSettings, released_model
from hallo2_core.training.stage_parts import makes_motion, makes_pictures


def write_files(folder):
    """A UNet's and motion modules', in float32."""
    unet = hallo2_networks(CONFIG, ON_META).denoising_unet.state_dict()
    spatial = [key for key in unet if not any(module in key for module in ADDED_MODULES)]
    temporal = [key for key in unet if TRANSFORMER in key]
    for name, keys in (("unet", spatial), ("motion", temporal)):
        tensors = {key: 0.1 * normal(number, *unet[key].shape) for number, key in enumerate(keys)}
        save_file(tensors, folder / f"{name}.safetensors")


def test_stage_1_begins_with_public_files_and_stage_2_with_what_it_exports(tmp_path):
    write_files(tmp_path)
    unet, motion = (load_file(tmp_path / f"{name}.safetensors") for name in ("unet", "motion"))
    settings = ModelSettings(
        unet=str(tmp_path / "unet.safetensors"), motion_module=str(tmp_path / "motion.safetensors")
    )
    models = released_model(settings, makes_pictures, seed=0, config=CONFIG)
    own = models.denoising_unet.state_dict()
    assert all(torch.equal(own[key], x.to(own[key].dtype)) for key, x in (unet | motion).items())

    clips = RecordShards(write_clips(tmp_path / "clips"))
    network = PictureObjective(models, ObjectiveSettings(), makes_pictures, settings.run)
    dtypes = {(p.requires_grad, p.dtype) for p in network.parameters() if p.ndim > 1}
    assert dtypes == {(True, torch.float32), (False, torch.float16)}
    stage = PictureStage(network, PictureStageSettings("", "", "", model=settings), clips, clips, seed=0)
    loss = network(stage.batch(range(2)))["loss"]
    loss.backward()
    assert loss.isfinite() and models.denoising_unet.conv_in.weight.grad.any()

    export_stage(stage, tmp_path / "stage1.safetensors")
    after = released_model(ModelSettings(weights=str(tmp_path / "stage1.safetensors")), makes_motion, seed=1)
    for name in PREFIXES:
        before = getattr(models, name).state_dict()
        for key, x in getattr(after, name).state_dict().items():
            assert torch.equal(x.half(), before[key].half()), key
