"""The host's VAE as our loop calls it: its dtype on a card, and what happens when memory runs out."""

import json

import comfy.model_management as mm
import comfy.sd
import torch
from comfy_api.latest import io, ui

from .cards import on
from .in_pack import pack


def host_vae():
    """At full size, of random weights, in the dtype that the host takes here."""
    config, layers = pack("hallo2_core.config"), pack("hallo2_core.models.layers")
    torch.manual_seed(0)
    ours = pack("hallo2_core.models.vae").AutoencoderKL(config.VAEConfig(), layers.Build(dtype=torch.float32))
    return comfy.sd.VAE(sd=dict(ours.state_dict()))


def stored_in(vae):
    return str(next(vae.first_stage_model.parameters()).dtype).removeprefix("torch.")


class ListeningRuntime:
    """Keeps what the user is told."""

    def __init__(self):
        self.texts, self.freed = [], 0

    def notify(self, text):
        self.texts.append(text)

    def free_memory(self):
        self.freed += 1


class ProbeVAEDtype(io.ComfyNode):
    """The dtype of the connected VAE, of the one our loop uses, and what was said; a case is [card, flags]."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeVAEDtype", inputs=[io.String.Input("cases")], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls, cases):
        return io.NodeOutput(ui=ui.PreviewText(json.dumps([cls.used(*case) for case in json.loads(cases)])))

    @staticmethod
    def used(card, flags):
        runtime = ListeningRuntime()
        with on(card, flags):
            vae = host_vae()
            used = pack("nodes.host.vae_handle").precise_vae(vae, runtime)
            assert used.vae_dtype == next(used.first_stage_model.parameters()).dtype
        return [stored_in(vae), stored_in(used), " ".join(runtime.texts)]


class ProbeVAEOutOfMemory(io.ComfyNode):
    """Encodes or decodes with memory that runs out a number of times first; what came of it."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Combo.Input("verb", options=["encode", "decode"]), io.Int.Input("failures")]
        return io.Schema("ProbeVAEOutOfMemory", inputs=inputs, outputs=[], is_output_node=True)

    @classmethod
    def execute(cls, verb, failures):
        vae, runtime = host_vae(), ListeningRuntime()
        codec = pack("nodes.host.vae").HostVAE(vae, runtime)
        given = torch.zeros(1, 4, 8, 8) if verb == "decode" else torch.zeros(1, 3, 64, 64)
        expected, network = getattr(codec, verb)(given), getattr(vae.first_stage_model, verb)
        left = [failures]

        def run(*arguments, **named):
            left[0] -= 1
            if left[0] >= 0:
                raise mm.OOM_EXCEPTION("CUDA out of memory")
            return network(*arguments, **named)

        setattr(vae.first_stage_model, verb, run)
        try:
            outcome = "the same" if torch.equal(getattr(codec, verb)(given), expected) else "another result"
        except pack("hallo2_core.errors").MemoryShortageError as error:
            outcome = str(error)
        return io.NodeOutput(ui=ui.PreviewText(json.dumps([outcome, runtime.freed])))


NODES = [ProbeVAEDtype, ProbeVAEOutOfMemory]
