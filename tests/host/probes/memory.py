"""The host's memory manager, behaving as with a GPU."""

import gc
import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import comfy.model_management as mm
import comfy.model_patcher
import folder_paths
import torch
from comfy_api.latest import io, ui
from safetensors.torch import save_file

from .in_pack import pack

META = torch.device("meta")


@contextmanager
def replaced(owner, **attributes):
    """The attributes of a module, for as long as the context lasts."""
    before = {name: getattr(owner, name) for name in attributes if hasattr(owner, name)}
    for name, value in attributes.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name in attributes:
            setattr(owner, name, before[name]) if name in before else delattr(owner, name)


class ProbeCompactModel(io.ComfyNode):
    """An UPSCALE_MODEL of the host's own loader: the smallest network of a kind that it knows, twice as large."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeCompactModel", inputs=[], outputs=[io.UpscaleModel.Output()])

    @classmethod
    def execute(cls):
        from comfy_extras.nodes_upscale_model import UpscaleModelLoader
        from spandrel.architectures.Compact import Compact

        torch.manual_seed(5)
        network = Compact(num_in_ch=3, num_out_ch=3, num_feat=4, num_conv=1, upscale=2)
        folder = Path(folder_paths.get_folder_paths("upscale_models")[0])
        folder.mkdir(exist_ok=True)
        file = folder / "compact.safetensors"
        save_file(network.state_dict(), file)
        try:
            return UpscaleModelLoader.execute(file.name)
        finally:
            file.unlink()


class ProbeLoadedUpscaleModel(io.ComfyNode):
    """What a later load finds of an upscale model that was used before, and whether it can be unloaded."""

    @classmethod
    def define_schema(cls):
        inputs = [io.UpscaleModel.Input("upscale_model")]
        return io.Schema("ProbeLoadedUpscaleModel", inputs=inputs, outputs=[], is_output_node=True)

    @classmethod
    def execute(cls, upscale_model):
        collections = []
        with replaced(gc, collect=lambda *_: collections.append(1)):
            mm.load_models_gpu([pack("nodes.host.networks").patcher_of(torch.nn.Linear(2, 2))])
        module, loaded = upscale_model.model, mm.current_loaded_models
        found = {
            "collections": len(collections),
            "dead": sum(one.is_dead() for one in loaded),
            "loaded": any(one.real_model() is module for one in loaded),
        }
        mm.unload_all_models()
        found["unloaded"] = not any(one.real_model() is module for one in loaded)
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(found)))


class Inverting(torch.nn.Module):
    """Twice as large, and negative; out of memory on a tile that is wider or higher than the card can hold."""

    def __init__(self, largest_tile_px):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.name = torch.nn.Parameter(torch.tensor(float(largest_tile_px)))  # tells jobs apart
        self.largest_tile_px = largest_tile_px

    def forward(self, picture):
        if max(picture.shape[2:]) > self.largest_tile_px:
            raise mm.OOM_EXCEPTION("Allocation on device")
        return 1 - self.weight * torch.nn.functional.interpolate(picture, scale_factor=2.0, mode="bilinear")


class ProbeSmallCardModel(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        inputs = [io.Int.Input("largest_tile_px")]
        return io.Schema("ProbeSmallCardModel", inputs=inputs, outputs=[io.UpscaleModel.Output()])

    @classmethod
    def execute(cls, largest_tile_px):
        return io.NodeOutput(OnSmallCard(Inverting(largest_tile_px)))


@dataclass
class OnSmallCard:
    """As spandrel describes a model."""

    model: Inverting
    scale: int = 2
    input_channels: int = 3
    output_channels: int = 3

    def __call__(self, picture):
        return self.model(picture)


class ProbeUpscaleModelOnCard(io.ComfyNode):
    """What our runtime asks the manager for when an upscale model draws on a device other than the one it lies on."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeUpscaleModelOnCard", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        drawers, runtimes = pack("nodes.host.upscale_model"), pack("nodes.host.runtime")
        asked = []

        def load(patchers, memory_required, force_full_load):
            asked.append([memory_required, force_full_load])

        model = OnSmallCard(Inverting(512))
        with replaced(mm, get_torch_device=lambda: META, load_models_gpu=load):
            (drawer,) = drawers.picture_upscaler(model)
            kept = drawers.picture_upscaler(model)[0].patchers == drawer.patchers
            runtime = runtimes.HostRuntime(drawer, working_bytes=drawers.upscaling_bytes(model, 100, 50))
            drawn = drawers.HostPictureUpscaler(model, runtime)(torch.zeros(1, 3, 4, 4))
        found = {"asked": asked, "drawn_on": drawn.device.type, "keeps_its_patcher": kept}
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(found)))


class ProbeOutOfMemory(io.ComfyNode):
    """Which errors our runtime takes for the device's being full, and whether it can free what is loaded."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeOutOfMemory", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        networks = pack("nodes.host.networks")
        held = networks.managed(None, torch.nn.Linear(2, 2))
        runtime = pack("nodes.host.runtime").HostRuntime(held)
        errors = {
            "the host's own": mm.OOM_EXCEPTION("Allocation on device"),
            "asynchronous": getattr(torch, "AcceleratorError", RuntimeError)("CUDA error: out of memory"),
            "cancelled": mm.InterruptProcessingException(),
            "another": RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        }
        found = {name: runtime.is_out_of_memory(error) for name, error in errors.items()}
        network = held.patchers[0].model
        steps = (
            ("loaded", lambda: runtime.ready(network)),
            ("freed", runtime.free_memory),
            ("loaded again", lambda: runtime.ready(network)),
        )
        for name, step in steps:
            step()
            found[name] = any(one.real_model() is network for one in mm.current_loaded_models)
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(found)))


class ProbeDynamic(io.ComfyNode):
    """Our networks on a host that streams weights (stand-ins for its native parts), beside a model of the host's that
    is there already, on a card with next to nothing free."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeDynamic", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        import comfy_aimdo.host_buffer
        import comfy_aimdo.model_vbar

        def free_memory(device=None, torch_free_too=False):
            return (2**20, 2**20) if torch_free_too else 2**20

        models = pack("hallo2_core.checkpoints.demo").demo_hallo2(pack("nodes.host.networks").network_build("fp32"))
        restorer = pack("hallo2_core.checkpoints.demo").demo_upscaler().restorer
        dynamic = comfy.model_patcher.ModelPatcherDynamic
        with (
            replaced(comfy.model_patcher, CoreModelPatcher=dynamic),
            replaced(mm, get_torch_device=lambda: META, get_free_memory=free_memory),
            replaced(comfy_aimdo.model_vbar, ModelVBAR=Streamed),
            replaced(comfy_aimdo.host_buffer, HostBuffer=Buffer),
        ):
            others = dynamic(torch.nn.Linear(64, 64), META, torch.device("cpu"))
            mm.load_models_gpu([others])
            Streamed.freed = 0
            networks = pack("nodes.host.networks")
            held = networks.managed(models, *models.networks), networks.managed(restorer, restorer, whole=True)
            runtime = pack("nodes.host.runtime").HostRuntime(*held, working_bytes=2**30)
            for network in (*models.networks, restorer):
                runtime.ready(network)
            found = {
                "dynamic": all(one.is_dynamic() for both in held for one in both.patchers),
                "others_stay": any(one.model is others for one in mm.current_loaded_models) and not Streamed.freed,
                "loaded": sum(one.model.model in (*models.networks, restorer) for one in mm.current_loaded_models),
                "networks": len(models.networks) + 1,
            }
            mm.unload_all_models()
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(found)))


class Streamed:
    """In the place of the addresses on a card that weights are streamed to."""

    freed = 0

    def __init__(self, size, device_index):
        self.size = 0

    def prioritize(self):
        pass

    def alloc(self, size):
        self.size += size
        return self, self.size - size, size

    def loaded_size(self):
        return self.size

    def free_memory(self, size):
        Streamed.freed += 1
        freed, self.size = self.size, 0
        return freed


class Buffer:
    """In the place of pinned memory."""

    size = 0

    def __init__(self, *_sizes):
        pass


NODES = [
    ProbeCompactModel,
    ProbeLoadedUpscaleModel,
    ProbeSmallCardModel,
    ProbeUpscaleModelOnCard,
    ProbeOutOfMemory,
    ProbeDynamic,
]
