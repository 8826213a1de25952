"""SDXL's VAE, which has the same dimensions as SD 1.x's."""

import json

WARNING = "was not recognized: the colors of a chart"


def test_sdxls_vae_is_refused_by_name_and_an_unknown_one_is_warned_of(host):
    warned_before = host.log().count(WARNING)  # other tests' VAEs are of random weights
    run = host.run({"1": {"class_type": "ProbeVAEKinds", "inputs": {}}})
    assert run.status == "success", run.message
    found = json.loads(run.outputs["1"]["text"][0])
    assert found["SD 1.x"] == "" and found["unknown"] == ""
    assert "The connected VAE is SDXL's" in found["SDXL"] and "vae-ft-mse" in found["SDXL"]
    assert host.log().count(WARNING) == warned_before + 1
