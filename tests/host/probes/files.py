"""How weights are read from disk."""

import json
import shutil
from pathlib import Path

import folder_paths
import torch
from comfy.cli_args import args
from comfy_api.latest import io, ui
from safetensors.torch import save_file

from .in_pack import pack
from .memory import replaced


class ProbeMappedFiles(io.ComfyNode):
    """Which files 'Load Model' and 'Load Upscaler' leave mapped, by whether the host was told not to map any."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeMappedFiles", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        folder = Path(folder_paths.get_folder_paths("hallo2")[0]) / "mapping"
        folder.mkdir(parents=True, exist_ok=True)
        models = pack("hallo2_core.checkpoints.demo").demo_hallo2()
        prefixes = pack("hallo2_core.checkpoints.networks").PREFIXES
        tensors = {
            f"{prefix}{key}": tensor.contiguous()
            for name, prefix in prefixes.items()
            for key, tensor in getattr(models, name).state_dict().items()
        }
        save_file(tensors, folder / "net.safetensors")
        torch.save(tensors, folder / "net.pth")
        found = {}
        try:
            for disabled in (False, True):
                with replaced(args, disable_mmap=disabled):
                    for name in ("net.safetensors", "net.pth"):
                        loaded = pack("nodes.load_models").Hallo2LoadModel.execute(f"mapping/{name}", "fp32")
                        found[f"{name} {disabled}"] = str(folder / name) in Path("/proc/self/maps").read_text()
                        del loaded
        finally:
            shutil.rmtree(folder)
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(found)))


class ProbeFileName(io.ComfyNode):
    """A file name that is known only when the graph runs."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeFileName", inputs=[io.String.Input("name")], outputs=[io.Custom("COMBO").Output()])

    @classmethod
    def execute(cls, name):
        return io.NodeOutput(name)


NODES = [ProbeMappedFiles, ProbeFileName]
