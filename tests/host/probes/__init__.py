"""Nodes that only the tests use, in the same host as the pack."""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from comfy.model_management import unload_all_models
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import ComfyExtension, io, ui
from safetensors.torch import save_file

from .attention import ProbeAttention
from .audit import NODES as AUDIT_NODES
from .cards import NODES as CARD_NODES
from .disturbed import NODES as DISTURBING_NODES
from .editor import NODES as EDITOR_NODES
from .files import NODES as FILE_NODES
from .host_model import NODES as HOST_MODEL_NODES
from .in_pack import pack
from .memory import NODES as MEMORY_NODES
from .vae import NODES as VAE_NODES
from .vae_loop import NODES as VAE_LOOP_NODES
from .video import NODES as VIDEO_NODES

Model = io.Custom("HALLO2_MODEL")


class HalfPatcher(ModelPatcher):
    """A network of which the host may bring only half the bytes to the device."""

    def partially_load(self, device_to, extra_memory=0, force_patch_weights=False):
        allowed = self.model_size() // 2 - self.loaded_size()
        return super().partially_load(device_to, max(allowed, 0.1), force_patch_weights)


class ProbeHalfLoaded(io.ComfyNode):
    """The same model, of which only half is ever loaded."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeHalfLoaded", inputs=[Model.Input("model")], outputs=[Model.Output()])

    @classmethod
    def execute(cls, model):
        unload_all_models()
        halves = tuple(HalfPatcher(one.model, one.load_device, one.offload_device) for one in model.patchers)
        return io.NodeOutput(replace(model, patchers=halves))


class ProbeWithoutVAE(io.ComfyNode):
    """The same model without the VAE that only the demo brings."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeWithoutVAE", inputs=[Model.Input("model")], outputs=[Model.Output()])

    @classmethod
    def execute(cls, model):
        return io.NodeOutput(replace(model, payload=replace(model.payload, vae=None)))


class ProbeOtherDevice(io.ComfyNode):
    """Half of each network on a device that is not the CPU ("meta", which holds shapes and no numbers): whatever is
    left behind and not brought along at use makes an error."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeOtherDevice", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        build = replace(
            pack("nodes.host.networks").network_build("default"), attention=pack("hallo2_core.models.layers").sdpa
        )
        models = pack("hallo2_core.checkpoints.demo").demo_hallo2(build)
        in_both_places = []
        for network in models.networks:
            patcher = HalfPatcher(network, torch.device("meta"), torch.device("cpu"))
            patcher.partially_load(patcher.load_device)
            if {parameter.device.type for parameter in network.parameters()} == {"cpu", "meta"}:
                in_both_places.append(type(network).__name__)
        cls.run(models)
        return io.NodeOutput(ui=ui.PreviewText(" ".join(in_both_places)))

    @classmethod
    def run(cls, models):
        banks, config = pack("hallo2_core.animation.reference_banks"), models.config
        frames, side, unet = 4, 8, models.denoising_unet
        latents = torch.empty(2, 4, side, side, device="meta")
        models.vae.decode(models.vae.encode(torch.empty(1, 3, 8 * side, 8 * side, device="meta")))
        tokens = banks.face_tokens(models.image_projection, torch.empty(512, device="meta"))
        face_map = models.face_locator(torch.empty(1, 3, 8 * side, 8 * side, device="meta"))
        audio = config.audio_projection
        heard = torch.empty(frames, audio.window_frames, audio.layers, audio.feature_width, device="meta")
        levels = tuple(torch.empty((side >> level) ** 2, device="meta") for level in range(4))
        masks = pack("hallo2_core.payloads").RegionMasks(levels, levels, levels)
        portrait = unet.portrait_conditions(
            banks.portrait_banks(models.reference_net, latents[:1], tokens), tokens, face_map, masks
        )
        conditions = unet.clip_conditions(
            portrait,
            banks.motion_banks(models.reference_net, latents, tokens),
            models.audio_projection(heard),
            torch.empty(3, frames, device="meta"),
            [0] * frames,
        )
        unet(torch.empty(2 * frames, 4, side, side, device="meta"), 999, conditions)


class ProbeVAE(io.ComfyNode):
    """The host's VAE beside ours, on the same full-size weights."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeVAE", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        import comfy.sd

        config, layers = pack("hallo2_core.config"), pack("hallo2_core.models.layers")
        ours = pack("hallo2_core.models.vae").AutoencoderKL(config.VAEConfig(), layers.Build(dtype=torch.float32))
        runtime = pack("nodes.host.runtime").HostRuntime()
        codec = pack("nodes.host.vae").HostVAE(comfy.sd.VAE(sd=dict(ours.state_dict())), runtime)
        picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
        latents = ours.encode(picture)
        encoded = (codec.encode(picture) - latents).abs().max()
        decoded = (codec.decode(latents) - (ours.decode(latents) / 2 + 0.5).clamp(0, 1)).abs().max()
        return io.NodeOutput(ui=ui.PreviewText(f"{float(encoded):.2e} {float(decoded):.2e}"))


class ProbeLazyLayers(io.ComfyNode):
    """The demo model as a new host builds it on a card: its linear layers have no weights before they are loaded."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeLazyLayers", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        import comfy.memory_management as memory

        demo, host = pack("hallo2_core.checkpoints.demo"), pack("nodes.host.networks")
        before, memory.aimdo_enabled = memory.aimdo_enabled, True
        try:
            lazy = demo.demo_hallo2(host.network_build("default"))
        finally:
            memory.aimdo_enabled = before
        plain = demo.demo_hallo2()
        same = lazy.fingerprint == plain.fingerprint
        return io.NodeOutput(ui=ui.PreviewText("same weights" if same else "other weights"))


class Inverting(torch.nn.Module):
    """Twice as large, and negative: easy to tell from what is resampled."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, picture):
        return 1 - self.weight * torch.nn.functional.interpolate(picture, scale_factor=2.0, mode="bilinear")


class ProbeUpscaleModel(io.ComfyNode):
    """An UPSCALE_MODEL as spandrel describes one."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeUpscaleModel", inputs=[], outputs=[io.UpscaleModel.Output()])

    @classmethod
    def execute(cls):
        return io.NodeOutput(Described())


class Described:
    scale, input_channels, output_channels = 2, 3, 3

    def __init__(self):
        self.model = Inverting()

    def __call__(self, picture):
        return self.model(picture)


class ProbeClip(io.ComfyNode):
    """A text encoder of SD 1.x as the host builds it, two layers deep and of random weights; or SDXL's tokenizer."""

    @classmethod
    def define_schema(cls):
        kind = io.Combo.Input("kind", options=["sd1", "sdxl"])
        return io.Schema("ProbeClip", inputs=[kind], outputs=[io.Clip.Output()])

    @classmethod
    def execute(cls, kind):
        from comfy.sdxl_clip import SDXLTokenizer

        return io.NodeOutput(small_clip() if kind == "sd1" else OnlyTokens(SDXLTokenizer()))


class OnlyTokens:
    def __init__(self, tokenizer):
        self.tokenize = tokenizer.tokenize_with_weights


CLIP_SIZE = {"num_hidden_layers": 2, "intermediate_size": 64}


def small_clip():
    import comfy.sd
    from comfy.sd1_clip import SD1ClipModel, SD1Tokenizer

    class Target:
        params, clip, tokenizer = {}, SD1ClipModel, SD1Tokenizer

    clip = comfy.sd.CLIP(Target, model_options={"dtype": torch.float32, "clip_l_model_config": CLIP_SIZE})
    torch.manual_seed(3)
    for parameter in clip.cond_stage_model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return clip


class ProbeTextEncoder(io.ComfyNode):
    """The host's CLIP beside the command line's, on the same weights: the greatest difference."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeTextEncoder", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        import comfy.sd1_clip

        clip, texts = small_clip(), ["smiling", "(nod:1.3), a \\(slow\\) one; [sad] (", "a " * 75]
        clip.clip_layer(-2)  # as "CLIP Set Last Layer" does; it is left aside
        source = Path(comfy.sd1_clip.__file__).parent
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(source / "sd1_tokenizer", folder, dirs_exist_ok=True)
            config = json.loads((source / "sd1_clip_config.json").read_text())
            (Path(folder) / "config.json").write_text(json.dumps(config | CLIP_SIZE))
            prefix, tensors = "clip_l.transformer.", clip.cond_stage_model.state_dict()
            kept = {key.removeprefix(prefix): x for key, x in tensors.items() if key.startswith(f"{prefix}text_model.")}
            save_file(kept, Path(folder) / "model.safetensors", {"format": "pt"})
            ours = pack("hallo2_core.timeline.clip_encoder").load_clip_encoder(folder).embed(texts)
        hosts = pack("nodes.host.clip").HostTextEncoder(clip).embed(texts)
        difference, largest = (hosts - ours).abs().max(), ours.abs().max()
        return io.NodeOutput(ui=ui.PreviewText(f"{float(difference):.2e} {float(largest):.2e}"))


class ProbeExtension(ComfyExtension):
    async def get_node_list(self):
        return [
            ProbeHalfLoaded,
            ProbeWithoutVAE,
            ProbeOtherDevice,
            ProbeVAE,
            *CARD_NODES,
            *VAE_LOOP_NODES,
            ProbeLazyLayers,
            ProbeUpscaleModel,
            ProbeClip,
            ProbeTextEncoder,
            *AUDIT_NODES,
            *DISTURBING_NODES,
            *EDITOR_NODES,
            ProbeAttention,
            *FILE_NODES,
            *HOST_MODEL_NODES,
            *MEMORY_NODES,
            *VAE_NODES,
            *VIDEO_NODES,
        ]


async def comfy_entrypoint():
    return ProbeExtension()
