"""The door: all the pack asks of ComfyUI goes through this file, and no other file imports the host's own modules."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import comfy.model_management as mm
import comfy.ops
import comfy.utils
import folder_paths
import numpy as np
import torch
from comfy.ldm.modules.attention import optimized_attention
from comfy.model_patcher import ModelPatcher
from PIL import Image
from server import PromptServer
from torch import Tensor, nn

from ..hallo2_core.errors import SettingsError
from ..hallo2_core.jobs.job import Job
from ..hallo2_core.jobs.limit import keep_within
from ..hallo2_core.jobs.listing import NODE_FOLDER
from ..hallo2_core.models.fingerprint import weights_fingerprint
from ..hallo2_core.models.layers import Build, dtype_of, sdpa
from ..hallo2_core.runtime import DeviceMemory
from ..hallo2_core.video.source import VideoSource, trimmed

if TYPE_CHECKING:
    from ..hallo2_core.upscaling.background import Background

logger = logging.getLogger("hallo2")

Payload = TypeVar("Payload")

DEMO = "demo"  # what every loader offers beside files: made at run time, nothing to download
ZERO = "zero"  # an adapter that changes nothing, made at run time too
MODEL_FOLDER = "hallo2"
TEXT_CONTROL_FOLDER = "text_control"  # below it
MODEL_EXTENSIONS = {".safetensors", ".pth", ".pt"}
SPEECH_ENCODER_FOLDER = "audio_encoders"  # the host's own

DTYPES = {"default": None, "fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
LARGEST_NETWORK_PARAMETERS = 1_520_000_000  # the released denoising UNet


# -- files


def register_model_folder() -> None:
    """Make models/hallo2 known to the host, beside the places that extra_model_paths.yaml may have named for it.

    The yaml is read before packs are loaded and leaves a key it doesn't know without extensions, which to the host
    means that every file is a model.
    """
    listed, _extensions = folder_paths.folder_names_and_paths.get(MODEL_FOLDER, ([], set()))
    own = str(Path(folder_paths.models_dir) / MODEL_FOLDER)
    places = listed if own in listed else [*listed, own]
    folder_paths.folder_names_and_paths[MODEL_FOLDER] = (places, MODEL_EXTENSIONS)


def model_files(folder: str) -> list[str]:
    """The choices of a loader. The host caches the listing until a folder changes."""
    return [DEMO, *folder_paths.get_filename_list(folder)]


def network_files() -> list[str]:
    """The choices of the loaders whose files lie in models/hallo2 itself."""
    return [name for name in model_files(MODEL_FOLDER) if Path(name).parts[0] != TEXT_CONTROL_FOLDER]


def text_control_files() -> list[str]:
    """The adapters, by their names below models/hallo2."""
    files = folder_paths.get_filename_list(MODEL_FOLDER)
    return [ZERO, DEMO, *(name for name in files if Path(name).parts[0] == TEXT_CONTROL_FOLDER)]


def find_file(folder: str, name: str) -> Path | None:
    found = folder_paths.get_full_path(folder, name)
    return None if found is None else Path(found)


def missing_files(folder: str, names: list[str], places: list[Path], source: str) -> str:
    """What to tell a user whose graph names files that aren't there."""
    looked = " and ".join(map(str, places))
    return f"Not in models/{folder}: {', '.join(names)} (looked in {looked}). {source}, or choose '{DEMO}' here."


def check_file(folder: str, name: str, source: str) -> bool | str:
    """For validate_inputs: True, or the message. source: how to get such a file."""
    places = [Path(place) for place in folder_paths.get_folder_paths(folder)]
    return True if name == DEMO or find_file(folder, name) else missing_files(folder, [name], places, source)


def face_file_folders() -> list[Path]:
    """Where the released ONNX files may lie: in a folder of ours, or where packs that use insightface keep them."""
    ours = [Path(place) / "face_analysis" for place in folder_paths.get_folder_paths(MODEL_FOLDER)]
    return [*ours, Path(folder_paths.models_dir) / "insightface" / "models" / "antelopev2"]


def find_face_file(name: str) -> Path | None:
    return next((folder / name for folder in face_file_folders() if (folder / name).is_file()), None)


def fingerprint(folder: str, name: str) -> str:
    """Changes when the file does, so that a replaced file is loaded again."""
    path = find_file(folder, name)
    if path is None:
        return name
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def job(key: str, unfinished_gb: float = 0) -> Job:
    """Where a render's finished clips, and then its video, lie: never in the host's temp folder, which it empties.

    unfinished_gb: what all unfinished ones may take together; the oldest make room. 0: they stay.
    """
    jobs = Path(folder_paths.get_output_directory()) / NODE_FOLDER
    keep_within(jobs, unfinished_gb, jobs / key)
    return Job(jobs / key, key)


def video_source(video: Any) -> VideoSource:  # noqa: ANN401 - only newer hosts have all of what is asked of it
    """The file behind a VIDEO, or the part of it that 'Trim Video' left, to be read frame by frame."""
    window = getattr(video, "get_active_trim_window", None)
    start_seconds, duration_seconds = window() if window is not None else (0.0, 0.0)
    try:
        return trimmed(video.get_stream_source(), start_seconds, duration_seconds)
    except ValueError:  # the older host's, of a video made of pictures: it can save one, but not show it as a file
        handle, path = tempfile.mkstemp(".mp4", dir=folder_paths.get_temp_directory())
        os.close(handle)
        video.save_to(path)
        return path


# -- the editor


def show_text(node_id: str, text: str) -> None:
    """Write under a node what a user should know of its result. An empty text clears an earlier one."""
    PromptServer.instance.send_progress_text(text, node_id)


# -- networks


class Layers(comfy.ops.manual_cast):
    """The host's layers, which it can cast and move one by one."""

    class Linear(comfy.ops.manual_cast.Linear):
        """Newer hosts leave a linear layer without weights until they are loaded, except where a subclass loads them
        itself. Ours are made on the meta device, where they cost nothing, and have names and shapes from the start."""

        def _load_from_state_dict(self, *args: Any) -> None:  # noqa: ANN401 - torch's own signature
            nn.Module._load_from_state_dict(self, *args)


def network_build(dtype: str) -> Build:
    """How networks are built for the host."""
    return Build(
        operations=Layers,
        attention=attention,
        dtype=_weight_dtype(dtype),
        device=mm.unet_offload_device(),
    )


def build_like(network: nn.Module) -> Build:
    """For what works beside a network: in its dtype."""
    return Build(operations=Layers, attention=attention, dtype=dtype_of(network), device=mm.unet_offload_device())


def _weight_dtype(choice: str) -> torch.dtype:
    if choice not in DTYPES:
        raise SettingsError(f"dtype is '{choice}'; choose one of {', '.join(DTYPES)}.")
    if choice != "default":
        return DTYPES[choice]
    chosen = mm.unet_dtype(mm.get_torch_device(), LARGEST_NETWORK_PARAMETERS)
    return chosen if chosen in DTYPES.values() else torch.float16  # the host may be set to fp8, which has no arithmetic


def attention(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """The host's choice on a card; on the CPU torch's fused one, where the host's splits queries to save memory."""
    return sdpa(q, k, v, heads) if q.device.type == "cpu" else optimized_attention(q, k, v, heads)


@dataclass(frozen=True)
class Managed(Generic[Payload]):
    """A payload with networks in it, and the host's handle on each of them. Who holds it keeps them loadable."""

    payload: Payload
    patchers: tuple[ModelPatcher, ...]
    whole: bool = False  # never loaded in part: its layers are not the host's


def managed(payload: Payload, *networks: nn.Module, whole: bool = False) -> Managed[Payload]:
    """Put networks under the host's memory manager."""
    device, offload = mm.get_torch_device(), mm.unet_offload_device()
    return Managed(payload, tuple(ModelPatcher(network, device, offload) for network in networks), whole)


def with_network(held: Managed, payload: Payload, network: nn.Module) -> Managed[Payload]:
    """A payload that has one network more than the one that is held; the others keep their handles."""
    return Managed(payload, (*held.patchers, *managed(payload, network).patchers), held.whole)


class HostRuntime:
    """The core's `Runtime`: ComfyUI's memory manager, progress bar and cancel button."""

    def __init__(self, *held: Managed, working_bytes: float = 0, node_id: str | None = None) -> None:
        """working_bytes: for the host to keep free beside the weights. node_id: where a user is told of the work."""
        self.device = mm.get_torch_device()
        self._node_id = node_id
        self._held = {id(patcher.model): (patcher, one.whole) for one in held for patcher in one.patchers}
        self._working_bytes = working_bytes
        self._bar: comfy.utils.ProgressBar | None = None

    def ready(self, *modules: nn.Module) -> None:
        chosen = [self._held[id(module)] for module in modules]
        mm.load_models_gpu(
            [patcher for patcher, _whole in chosen],
            memory_required=self._working_bytes,
            force_full_load=any(whole for _patcher, whole in chosen),
        )

    def has_room(self, working_bytes: float) -> bool:
        """Never: the host moves networks to make room, and may be asked by one thread only."""
        return False

    def memory(self) -> DeviceMemory:
        """All of the device's but what the host leaves to others: it moves away what is in the way."""
        total = mm.get_total_memory(self.device) - mm.extra_reserved_memory()
        return DeviceMemory(int(total), holds_parts=self.device.type != "cpu")

    def check_cancelled(self) -> None:
        mm.throw_exception_if_processing_interrupted()

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        if self._bar is None:
            self._bar = comfy.utils.ProgressBar(total)
        picture = None if preview is None else ("JPEG", _to_image(preview), max(preview.shape[:2]))
        self._bar.update_absolute(done, total, picture)

    def notify(self, text: str) -> None:
        if text:
            logger.info("%s", text)
        if self._node_id is not None:
            show_text(self._node_id, text)


def picture_upscaler(model: Any) -> tuple[Managed, ...]:  # noqa: ANN401 - spandrel's descriptor
    """The host's UPSCALE_MODEL, which its loader leaves to whoever uses it, under the memory manager; () for none."""
    if model is None:
        return ()
    if (model.input_channels, model.output_channels) != (3, 3):
        raise SettingsError(
            f"The upscale model turns {model.input_channels} channels into {model.output_channels}; a video has 3. "
            f"Choose one for colour pictures, for example RealESRGAN_x2."
        )
    return (managed(model, model.model, whole=True),)


def background(drawer: Managed | None = None, *, runtime: HostRuntime) -> tuple[Background, str]:
    """What draws all but the faces, and its name in a job's key: the upscale model, or plain resampling."""
    from ..hallo2_core.upscaling.background import TiledBackground, resample

    if drawer is None:
        return resample, "resampled"
    name = weights_fingerprint({"upscale_model.": drawer.payload.model})
    return TiledBackground(HostPictureUpscaler(drawer.payload, runtime), runtime), name


class HostPictureUpscaler:
    """`PictureUpscaler` over the host's UPSCALE_MODEL."""

    def __init__(self, model: Any, runtime: HostRuntime) -> None:  # noqa: ANN401 - spandrel's descriptor
        self.scale = int(model.scale)
        self._model, self._runtime = model, runtime

    def __call__(self, picture: Tensor) -> Tensor:
        self._runtime.ready(self._model.model)
        return self._model(picture.to(self._runtime.device, dtype_of(self._model.model)))


def images(*pictures: Image.Image) -> Tensor:
    """The host's IMAGE of pictures of one size: (b h w 3), 0..1."""
    return torch.stack([torch.from_numpy(np.asarray(picture, np.float32) / 255.0) for picture in pictures])


def _to_image(frame: Tensor) -> Image.Image:
    """frame: (h w 3), 0..1."""
    return Image.fromarray((frame.float().clamp(0, 1) * 255).round().to("cpu", torch.uint8).numpy())
