"""The host's attention kernels and overrides, in our networks."""

import json

import pytest


@pytest.fixture(scope="module")
def found(host):
    run = host.run({"1": {"class_type": "ProbeAttention", "inputs": {}}})
    assert run.status == "success", run.message
    return json.loads(run.outputs["1"]["text"][0])


def test_what_sage_attention_refuses_goes_to_pytorch_without_an_error_per_call(found, host):
    assert found["sage"] == {
        "40 float16": ["attention_sage"],
        "80 bfloat16": ["attention_sage"],
        "160 float16": ["pytorch"],
        "40 float32": ["pytorch"],
    }
    assert "Error running sage attention" not in host.log()


def test_an_override_of_the_hosts_is_asked_at_every_attention_and_named(found):
    override = found["override"]
    assert override["asked"] == override["attended"] > 10
    assert override["name"] == "attention_pytorch replaced by overriding"


def test_on_the_cpu_pytorchs_fused_kernel_computes(found):
    assert found["on_the_cpu"] == "attention_pytorch"
