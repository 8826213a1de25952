"""Models and speech in one of whose networks something happens at a given call: cancel, or no memory left."""

from copy import copy
from dataclasses import replace

import comfy.model_management as mm
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io


def disturbed(network, method, happens):
    """The same network or sound. happens: called with the number of each call of the method, before it."""
    kind, calls = type(network), []

    def call(self, *arguments, **named):
        calls.append(1)
        happens(len(calls))
        return getattr(kind, method)(self, *arguments, **named)

    copied = copy(network)
    copied.__class__ = type(kind.__name__, (kind,), {method: call})
    return copied


def with_network(managed, name, network):
    """The same payload with this network in it."""
    held = getattr(managed.payload, name)
    replaced = [one for one in managed.patchers if one.model is held]
    patchers = [ModelPatcher(network, one.load_device, one.offload_device) for one in replaced]
    others = [one for one in managed.patchers if one.model is not held]
    return replace(managed, payload=replace(managed.payload, **{name: network}), patchers=(*others, *patchers))


class Disturbing(io.ComfyNode):
    """What comes in, but with a disturbed network or sound in it; as it is where it has no such one."""

    kind, name = io.Custom("HALLO2_MODEL"), "model"

    @classmethod
    def define_schema(cls):
        inputs = [cls.kind.Input(cls.name), io.String.Input("network"), io.Int.Input("call"), io.String.Input("of_run")]
        inputs.append(io.Int.Input("times", default=1, optional=True))
        return io.Schema(cls.__name__, inputs=inputs, outputs=[cls.kind.Output()])

    @classmethod
    def execute(cls, network, call, of_run, times=1, **given):
        managed = given[cls.name]
        found = getattr(managed.payload, network, None)
        if found is None or not call:
            return io.NodeOutput(managed)
        method = {"vae": "decode", "audio": "read", "restorer": "restore"}.get(network, "forward")

        def happens(number):
            if call <= number < call + times:
                cls.happens()

        return io.NodeOutput(with_network(managed, network, disturbed(found, method, happens)))

    @classmethod
    def happens(cls):
        raise NotImplementedError


class Pressing(Disturbing):
    """The user presses cancel."""

    @classmethod
    def happens(cls):
        mm.interrupt_current_processing()


class Short(Disturbing):
    """The device has no memory left."""

    @classmethod
    def happens(cls):
        raise mm.OOM_EXCEPTION("Allocation on device")


class ProbePressInModel(Pressing):
    pass


class ProbePressInSpeech(Pressing):
    kind, name = io.Custom("HALLO2_SPEECH"), "speech"


class ProbePressInUpscaler(Pressing):
    kind, name = io.Custom("HALLO2_UPSCALER"), "upscaler"


class ProbeShortInModel(Short):
    pass


class ProbeShortInUpscaler(Short):
    kind, name = io.Custom("HALLO2_UPSCALER"), "upscaler"


NODES = [ProbePressInModel, ProbePressInSpeech, ProbePressInUpscaler, ProbeShortInModel, ProbeShortInUpscaler]
