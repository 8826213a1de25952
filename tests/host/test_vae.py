"""The host's VAE in the motion loop: not in bf16, and not in tiles when memory runs out."""

import json

import pytest

GTX_16, RTX_20, RTX_30 = "NVIDIA GeForce GTX 1660", "NVIDIA GeForce RTX 2060", "NVIDIA GeForce RTX 3060"
# (card, flags) → the connected VAE, the one that the loop uses, and a word of what is said of it
EXPECTED = {
    ("", ""): ("float32", "float32", ""),
    (GTX_16, ""): ("float32", "float32", ""),
    (RTX_20, ""): ("float32", "float32", ""),
    (RTX_30, ""): ("bfloat16", "float16", "--fp16-vae"),
    (RTX_30, "--force-fp32"): ("float32", "float32", ""),
    (RTX_30, "--bf16-vae"): ("bfloat16", "bfloat16", "--bf16-vae"),
}


@pytest.fixture(scope="module")
def used(host):
    cases = [[card, [flags] if flags else []] for card, flags in EXPECTED]
    run = host.run({"1": {"class_type": "ProbeVAEDtype", "inputs": {"cases": json.dumps(cases)}}})
    assert run.status == "success", run.message
    return dict(zip(EXPECTED, json.loads(run.outputs["1"]["text"][0]), strict=True))


@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: " ".join(filter(None, case)) or "CPU")
def test_the_loop_decodes_in_bf16_only_where_that_was_asked_for(used, case):
    *dtypes, said = used[case]
    *expected_dtypes, word = EXPECTED[case]
    assert dtypes == expected_dtypes
    assert word in said and bool(said) == bool(word)


@pytest.mark.parametrize("verb", ["encode", "decode"])
@pytest.mark.parametrize("failures", [1, 2])
def test_memory_that_runs_out_is_freed_for_a_second_attempt_and_never_answered_with_tiles(host, verb, failures):
    inputs = {"verb": verb, "failures": failures}
    run = host.run({"1": {"class_type": "ProbeVAEOutOfMemory", "inputs": inputs}})
    assert run.status == "success", run.message
    outcome, freed = json.loads(run.outputs["1"]["text"][0])
    assert freed == failures
    assert outcome == "the same" if failures == 1 else "smaller size" in outcome
