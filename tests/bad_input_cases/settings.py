"""Numbers out of range, words that are no choices, timelines that cannot be read."""

from __future__ import annotations

from .case import Case, animate, refused, upscale

ANIMATE = {
    "size": {
        "100x100": "multiples of 64", "0x0": "multiples of 64", "64": "WIDTHxHEIGHT", "64x64x64": "WIDTHxHEIGHT",
        "-64x64": "--size", "big": "WIDTHxHEIGHT", "6400000x6400000": "6400000",
    },
    "fps": {0: "frame rate is 0", -25: "frame rate is -25", "1/0": "--fps", "nan": "--fps", "1e9": "frame rate is",
            "fast": "--fps"},
    "steps": {0: "steps is 0", -1: "steps is -1", 1001: "steps is 1001", "2.5": "invalid int", "": "invalid int"},
    "cfg": {"nan": "nan", "inf": "inf", "-1": "-1", "1000": "1000", "high": "invalid float"},
    "pose_weight": {"nan": "nan", "-1": "-1"},
    "face_weight": {"inf": "inf"},
    "lip_weight": {"nan": "nan", "1e30": "1e+30"},
    "seed": {"-1": "-1", str(2**64): str(2**64), "one": "invalid int"},
    "drop_rate": {2: "drop rate is 2", "nan": "drop rate is nan"},
    "patch_size": {0: "patch size is 0"},
    "motion_frames": {0: "motion frames is 0", 17: "motion frames is 17"},
    "noise": {-0.1: "noise sigma is -0.1", 1: "noise sigma is 1", "nan": "noise sigma is nan"},
    "noise_time": {51: "noise time is 51"},
    "motion_preset": {"best": "invalid choice"},
    "device": {"toaster": "toaster", "cuda:99": "cuda:99", "": "''"},
    "vram_gb": {8: "the device is the CPU"},
    "codec": {"gif": "invalid choice"},
    "bit_depth": {12: "invalid choice"},
    "quality": {52: "quality is 52", -1: "quality is -1"},
    "solver": {"magic": "invalid choice"},
    "step_share": {0: "share of steps is 0", "nan": "share of steps is nan"},
    "guided_steps": {"0.6": "FROM-UNTIL", "0.6-0.1": "from 0.6 to 0.1", "0-2": "from 0"},
    "unconditional_every": {0: "0"},
    "deep_every": {-1: "-1"},
    "text_adapter": {"zero": "without --text"},
    "text": {"4-2 smiling": "Timeline, line 1, column 1", "smiling": "line 1, column 1", "0-1 a; 0.5- b": "overlap",
             "0-": "line 1", "nan- a": "line 1", "0-1e999 a": "line 1"},
    "weights": {"lips 2 @ 0-": "'lips' is not a weight", "lip 9 @ 0-": "lip", "lip nan @ 0-": "line 1",
                "lip 2": "line 1", "lip 2 @ 0-50f, 1 @ 1-": "'1-' begins before 0-50f has ended"},
    "metadata": {"some": "invalid choice"},
    "clip_noise": {"loud": "invalid choice"},
    "steady": {-1: "steady is -1", 65: "steady is 65", "nan": "steady is nan", "much": "invalid float"},
    "dtype": {"fp4": "invalid choice"},
    "face_index": {"left": "invalid int"},
}  # fmt: skip
UPSCALE = {
    "scale": {0: "more than 0", -2: "more than 0", "nan": "nan", "inf": "inf", 1000: "at most"},
    "long_side": {0: "more than 0", -5: "more than 0", 100000: "100000"},
    "fidelity": {1.5: "fidelity is 1.5", "nan": "fidelity is nan"},
    "window": {0: "window has 0 frames"},
    "overlap": {9: "overlap is 9", -1: "overlap is -1"},
    "codec": {"vp8": "invalid choice"},
    "quality": {99: "quality is 99"},
}

CASES = [
    *(case for option, table in ANIMATE.items() for case in refused(animate, option, table)),
    *(case for option, table in UPSCALE.items() for case in refused(upscale, option, table)),
    Case("--transition -1", animate(transition=-1, weights="lip 2 @ 0-"), "transition takes -1"),
    Case("--transition nan", animate(transition="nan", weights="lip 2 @ 0-"), "transition takes nan"),
    Case("--text-strength 9", animate(text="0- happy", text_strength=9), "text strength is 9"),
    Case("--text-scale nan", animate(text="0- happy", text_scale="nan"), "text scale is nan"),
    Case("--legacy-rng with repeated noise", animate("--legacy-rng", clip_noise="repeated"), "legacy_rng"),
    Case("--scale and --long-side", upscale(scale=2, long_side=64), "not allowed with"),
    Case("an option that is none", animate("--louder"), "--louder"),
    Case("a very long prompt", animate(text="0- " + "happy " * 5000), "reads 64"),
]
