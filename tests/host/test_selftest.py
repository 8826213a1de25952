"""The golden cases inside the host."""


def run_selftest(host, **inputs):
    graph = {"1": {"class_type": "Hallo2Selftest", "inputs": {"dtype": "fp32", "cases": "quick"} | inputs}}
    run = host.run(graph, timeout_s=600)
    assert run.status == "success", run.message
    return run.outputs["1"]["text"][0]


def test_the_golden_cases_pass_on_the_hosts_layers_attention_and_memory_manager(host):
    before = len(host.log())
    summary, *lines = run_selftest(host).splitlines()
    assert " 0 failed" in summary and "ComfyUI's layers, attention_pytorch, float32, cpu" in summary
    passed = {line.split()[0] for line in lines if " PASS" in line}
    assert passed >= {"denoising_unet_cfg", "reference_unet", "pipeline_cfg", "audio", "sr_transformer"}
    skipped = {line.split()[0] for line in lines if " SKIP " in line}
    assert skipped == {"full_size_denoise", "sr_full", "longvideo_inputs"}
    # The memory manager says which network it brings to the device.
    log = host.log()[before:]
    for network in ("DenoisingUNet", "ReferenceNet", "AutoencoderKL", "SpeechEncoder", "TemporalAlignment"):
        assert f"Requested to load {network}" in log, network
    assert "memory leak" not in log.lower()
