"""What a network is stored and computed in: the host's own answers for cards that this machine does not have."""

import json

import pytest

GTX_16, RTX_20, RTX_30, RTX_40, HOPPER, CPU = (
    "NVIDIA GeForce GTX 1660", "NVIDIA GeForce RTX 2060", "NVIDIA GeForce RTX 3060", "NVIDIA GeForce RTX 4090",
    "NVIDIA H100", "",
)  # fmt: skip
PLAIN, CASTING, FAST = "disable_weight_init", "manual_cast", "fp8_ops"
FP8 = "float8_e4m3fn"
# (card, flags, choice in the loader, network) → weights, arithmetic, layers
EXPECTED = {
    (GTX_16, "", "default", "hallo2"): f"float16 float32 {CASTING}",
    (GTX_16, "", "fp16", "hallo2"): f"float16 float32 {CASTING}",
    (GTX_16, "", "bf16", "hallo2"): f"bfloat16 float32 {CASTING}",
    (GTX_16, "", "fp8_e4m3", "hallo2"): f"{FP8} float32 {CASTING}",
    (GTX_16, "", "default", "upscaler"): f"float32 float32 {PLAIN}",
    (RTX_20, "", "default", "hallo2"): f"float16 float16 {PLAIN}",
    (RTX_20, "", "bf16", "hallo2"): f"bfloat16 float16 {CASTING}",
    (RTX_20, "", "default", "upscaler"): f"float32 float32 {PLAIN}",
    (RTX_20, "", "fp8_e4m3", "upscaler"): f"{FP8} float32 {CASTING}",
    (RTX_30, "", "default", "hallo2"): f"float16 float16 {PLAIN}",
    (RTX_30, "", "bf16", "hallo2"): f"bfloat16 bfloat16 {PLAIN}",
    (RTX_30, "", "fp32", "hallo2"): f"float32 float32 {PLAIN}",
    (RTX_30, "", "fp8_e4m3", "hallo2"): f"{FP8} float16 {CASTING}",
    (RTX_30, "", "default", "upscaler"): f"bfloat16 bfloat16 {PLAIN}",
    (RTX_30, "", "fp16", "upscaler"): f"float16 float16 {PLAIN}",
    (RTX_30, "", "fp8_e4m3", "upscaler"): f"{FP8} bfloat16 {CASTING}",
    (RTX_30, "--lowvram", "default", "hallo2"): f"float16 float16 {PLAIN}",
    (RTX_30, "--lowvram", "default", "upscaler"): f"bfloat16 bfloat16 {PLAIN}",
    (RTX_30, "--force-fp32", "default", "hallo2"): f"float32 float32 {PLAIN}",
    (RTX_30, "--force-fp32", "fp16", "hallo2"): f"float16 float32 {CASTING}",
    (RTX_30, "--force-fp32", "default", "upscaler"): f"float32 float32 {PLAIN}",
    (RTX_30, "--fp16-unet", "default", "upscaler"): f"bfloat16 bfloat16 {PLAIN}",
    (RTX_30, "--fp8_e4m3fn-unet", "default", "hallo2"): f"{FP8} float16 {CASTING}",
    (RTX_30, "--fp8_e4m3fn-unet", "default", "upscaler"): f"bfloat16 bfloat16 {PLAIN}",
    (RTX_40, "", "default", "hallo2"): f"float16 float16 {PLAIN}",
    (RTX_40, "", "fp8_e4m3", "hallo2"): f"{FP8} float16 {CASTING}",
    (RTX_40, "--fast fp8_matrix_mult", "fp8_e4m3", "hallo2"): f"{FP8} float16 {FAST}",
    (HOPPER, "", "default", "hallo2"): f"float16 float16 {PLAIN}",
    (HOPPER, "", "fp8_e4m3", "hallo2"): f"{FP8} float16 {CASTING}",
    (HOPPER, "", "default", "upscaler"): f"bfloat16 bfloat16 {PLAIN}",
    (CPU, "", "default", "hallo2"): f"float32 float32 {PLAIN}",
    (CPU, "", "fp16", "hallo2"): f"float16 float32 {CASTING}",
    (CPU, "", "fp8_e4m3", "hallo2"): f"{FP8} float32 {CASTING}",
    (CPU, "", "default", "upscaler"): f"float32 float32 {PLAIN}",
}  # fmt: skip


@pytest.fixture(scope="module")
def chosen(host):
    cases = [[card, [flags] if flags else [], choice, network] for card, flags, choice, network in EXPECTED]
    run = host.run({"1": {"class_type": "ProbePrecision", "inputs": {"cases": json.dumps(cases)}}})
    assert run.status == "success", run.message
    return dict(zip(EXPECTED, json.loads(run.outputs["1"]["text"][0]), strict=True))


@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: " ".join(filter(None, case)))
def test_a_network_is_stored_and_computed_in_what_the_card_is_good_at(chosen, case):
    assert chosen[case] == EXPECTED[case]


def test_a_format_without_a_sign_is_refused(host):
    cases = json.dumps([[RTX_30, ["--fp8_e8m0fnu-unet"], "default", "hallo2"]])
    run = host.run({"1": {"class_type": "ProbePrecision", "inputs": {"cases": cases}}})
    assert "--fp8_e4m3fn-unet" in run.outputs["1"]["text"][0]


@pytest.mark.parametrize("dtype", ["fp16", "fp8_e4m3"])
def test_a_video_is_made_of_weights_that_are_cast_layer_by_layer(host, demo_graph, dtype):
    loader = next(node for node in demo_graph.values() if node["class_type"] == "Hallo2LoadModel")
    loader["inputs"]["dtype"] = dtype
    run = host.run(demo_graph)
    assert run.status == "success", run.message
