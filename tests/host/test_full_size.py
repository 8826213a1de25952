"""The real workflow on networks of the released size, with seeded weights written to the host's folders in fp16."""

import gc
import re
import wave
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import Hallo2Config, VAEConfig, Wav2VecConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.models.wav2vec import SpeechEncoder

CLIP_SECONDS = 16 / 25


def write(networks, path):
    """networks: what stands before a network's keys in the file → the network, without weights yet."""
    tensors = {}
    for prefix, network in networks.items():
        fill_with_seeded_weights(network, prefix)
        tensors |= {prefix + key: tensor.half() for key, tensor in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


def write_full_size_files(models):
    empty = Build(dtype=torch.float16, device="meta")
    five = hallo2_networks(Hallo2Config(), empty)
    write({prefix: getattr(five, name) for name, prefix in PREFIXES.items()}, models / "hallo2" / "net.safetensors")
    del five
    write({"": AutoencoderKL(VAEConfig(), empty)}, models / "vae" / "sd-vae-ft-mse.safetensors")
    encoder = SpeechEncoder(Wav2VecConfig(), device="meta")
    write({"": encoder.wav2vec}, models / "audio_encoders" / "wav2vec2-base-960h.safetensors")
    gc.collect()


def peak_memory_gib(process):
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 2**20


@pytest.mark.heavy
def test_the_real_workflow_runs_at_full_size(empty_host, shipped_graph, pack, film, tmp_path, capsys):
    """One clip, two steps, 256×256: about 14 GiB, and minutes, on a processor."""
    write_full_size_files(empty_host.base / "models")
    voice = tmp_path / "speech.wav"
    with wave.open(str(pack / "hallo2_core/examples/voice.wav")) as whole, wave.open(str(voice), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(int(CLIP_SECONDS * whole.getframerate())))
    empty_host.add_input(voice)
    empty_host.add_input(pack / "hallo2_core" / "examples" / "portrait.png")
    graph = shipped_graph("animate_portrait")
    graph["20:2"]["inputs"]["file"] = "net.safetensors"
    graph["20:12"]["inputs"]["vae_name"] = "sd-vae-ft-mse.safetensors"
    graph["20:6"]["inputs"] |= {"width": 256, "height": 256}
    graph["20:9"]["inputs"]["steps"] = 2

    run = empty_host.run(graph, timeout_s=3000)

    assert run.status == "success", run.message
    (saved,) = empty_host.saved_files(run, "10")
    assert film(saved).frames.shape == (16, 256, 256, 3)
    with capsys.disabled():
        print(f"\npeak memory of the host: {peak_memory_gib(empty_host.process):.2f} GiB")
