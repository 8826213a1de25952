"""Load LoRA: what a LoRA for the demo model does in a graph, and what is refused."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hallo2_core.checkpoints.demo import DEMO_FEW_STEP, demo_hallo2
from hallo2_core.checkpoints.lora import write_lora

SAMPLE = "9"
LAYER = "mid_block.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0.to_q"


@pytest.fixture
def loras(host):
    folder = host.base / "models" / "loras"
    folder.mkdir(parents=True, exist_ok=True)
    width = demo_hallo2().denoising_unet.get_submodule(LAYER).in_features
    generator = torch.Generator().manual_seed(1)
    ends = {"lora_A": (4, width), "lora_B": (width, 4)}
    tensors = {
        f"denoising_unet.{LAYER}.{end}.weight": torch.randn(shape, generator=generator) for end, shape in ends.items()
    }
    write_lora(tensors, 4.0, folder / "demo_face.safetensors")
    save_file({f"lora_unet_{end}.weight": torch.zeros(2, 2) for end in ends}, folder / "painter.safetensors")
    few_step = host.base / "models" / "hallo2" / "few_step"
    few_step.mkdir(parents=True)
    shutil.copy(DEMO_FEW_STEP, few_step / "four_steps.safetensors")
    yield folder
    shutil.rmtree(few_step)
    for path in folder.glob("*.safetensors"):
        path.unlink()


@pytest.fixture
def graph(demo_graph):
    """The demo, lossless, with LoRAs one after another between the loader and the sampler."""
    demo_graph[SAMPLE]["inputs"]["quality"] = 0

    def of(*chosen):
        model = ["2", 0]
        for number, (file, strength) in enumerate(chosen):
            inputs = {"model": model, "file": file, "strength": strength}
            demo_graph[f"lora{number}"] = {"class_type": "Hallo2LoadLora", "inputs": inputs}
            model = [f"lora{number}", 0]
        demo_graph[SAMPLE]["inputs"]["model"] = model
        return demo_graph

    return of


def frames_of(host, film, graph):
    run = host.run(graph)
    assert run.status == "success", run.message
    return film(host.saved_files(run, "10")[0]).frames


def test_a_lora_acts_with_its_strength_and_the_loaded_model_stays_as_it_was(host, loras, graph, film):
    plain = frames_of(host, film, graph())
    acted = frames_of(host, film, graph(("demo_face.safetensors", 1.0)))
    undone = frames_of(host, film, graph(("demo few-step", 1.0), ("few_step/four_steps.safetensors", -1.0)))
    again = frames_of(host, film, graph(("demo_face.safetensors", 0.0)))
    assert not np.array_equal(plain, acted)
    assert np.array_equal(plain, again)
    assert np.abs(undone.astype(int) - plain).max() <= 4  # weights are rounded twice, in 146 layers


def test_a_lora_for_something_else_is_refused_by_name(host, loras, graph):
    run = host.run(graph(("painter.safetensors", 1.0)))
    assert run.status == "error" and not run.progress_of(SAMPLE)
    for part in ("painter.safetensors seems to be", "not a LoRA for Hallo2", "hallo2 train"):
        assert part in run.message


def test_a_lora_that_is_not_there_is_named_with_its_folder(host, refused, graph):
    with pytest.raises(refused) as caught:
        host.run(graph(("gone.safetensors", 1.0)))
    said = caught.value.details("lora0")
    assert "Not in models/loras: gone.safetensors" in said and "hallo2 train" in said
