"""Inputs shared by all nodes that denoise clips."""

from comfy_api.latest import io

from . import io_types


def parts() -> list[io.Input]:
    """Inputs: what to animate, and how clips continue."""
    return [
        io_types.Model.Input("model", tooltip="The model that the reference was made with."),
        io_types.Reference.Input("reference", tooltip="The portrait, from 'Apply ReferenceNet (Hallo2)'."),
        io_types.Speech.Input("speech", tooltip="From 'Encode Speech (Hallo2)'; sets length and frame rate."),
        io_types.Motion.Input(
            "motion", tooltip="From 'Set Motion Frames (Hallo2)': how each clip continues from the previous one."
        ),
    ]


def settings() -> list[io.Input]:
    """Inputs: steps, guidance, seed and the weights of the three regions."""
    return [
        io.Int.Input(
            "steps",
            default=40,
            min=1,
            max=100,
            tooltip=(
                "Denoising steps per clip. The release uses 40. Fewer steps are faster and give softer pictures. For "
                "the demo model, 10 are enough."
            ),
        ),
        io.Float.Input(
            "cfg",
            default=3.5,
            min=1.0,
            max=15.0,
            step=0.1,
            tooltip=(
                "Classifier-free guidance: how closely the video follows portrait and speech. The release uses 3.5, "
                "the demo model 1.5; higher values move the lips more and harden contrast. 1 turns guidance off: about "
                "twice as fast, with weaker lip movement."
            ),
        ),
        io.Int.Input(
            "seed",
            default=42,
            min=0,
            max=0xFFFFFFFFFFFFFFFF,
            control_after_generate=False,  # a new seed would discard the finished clips
            tooltip=(
                "The same seed and inputs give the same frames. Another seed gives different head movement and blinks."
            ),
        ),
        _region_weight("pose", "How strongly speech moves the head and everything around the face."),
        _region_weight("face", "How strongly speech moves brows, eyes and cheeks."),
        _region_weight("lip", "How strongly speech opens and shapes the mouth."),
    ]


def _region_weight(region: str, on_screen: str) -> io.Float.Input:
    return io.Float.Input(
        f"{region}_weight",
        default=1.0,
        min=0.0,
        max=3.0,
        step=0.05,
        tooltip=f"{on_screen} 1 as in the release; 0 turns it off; above 1.5 it looks exaggerated.",
    )


def vae() -> io.Vae.Input:
    return io.Vae.Input(
        "vae",
        optional=True,
        tooltip="The SD 1.x VAE that the reference was made with. The demo model includes its own.",
    )


def reference_banks() -> io.Combo.Input:
    return io.Combo.Input(
        "reference_banks",
        options=["released", "aligned"],
        default="released",
        optional=True,
        tooltip=(
            "'released': every second frame attends to the portrait without its identity, as in the official code. "
            "'aligned': every frame attends to it with identity."
        ),
        **io_types.ADVANCED,
    )


def legacy_rng() -> io.Boolean.Input:
    return io.Boolean.Input(
        "legacy_rng",
        default=False,
        optional=True,
        tooltip=(
            "Draw random numbers in the order of the official code, to compare with its videos. The seed of the "
            "motion frames is not used then."
        ),
        **io_types.ADVANCED,
    )


def clip_noise() -> io.Combo.Input:
    return io.Combo.Input(
        "clip_noise",
        options=["independent", "repeated"],
        default="independent",
        optional=True,
        tooltip=(
            "'independent': each clip begins with noise of its own, as in the official code. 'repeated': all begin "
            "with that of the first, which makes the seams between clips smaller."
        ),
        **io_types.ADVANCED,
    )


def steady() -> io.Float.Input:
    return io.Float.Input(
        "steady",
        default=0.0,
        min=0.0,
        max=64.0,
        step=0.5,
        optional=True,
        tooltip=(
            "Hold back shimmer: changes from frame to frame of up to about so many of 255 levels, where nothing moves. "
            "6 is usual, and what the demo has; above 10, small movements are held back too. 0 is off, as in the "
            "official code."
        ),
        **io_types.ADVANCED,
    )


def timelines() -> list[io.Input]:
    """Inputs: timelines, and the strength of prompts."""
    return [
        io_types.Text.Input(
            "text",
            optional=True,
            tooltip="From 'Text Prompts (Hallo2)'. Needs a model with a trained adapter, from 'Load Text Control'.",
        ),
        io_types.Weights.Input(
            "weights",
            optional=True,
            tooltip=(
                "From 'Weight Timeline (Hallo2)': the three weights and cfg over time. Where the timeline has no "
                "value, the values above apply."
            ),
        ),
        io.Float.Input(
            "text_strength",
            default=1.0,
            min=0.0,
            max=3.0,
            step=0.05,
            optional=True,
            tooltip="How strongly prompts act. 0 is off; 1 is the strength the adapter was trained for.",
            **io_types.ADVANCED,
        ),
        io.Float.Input(
            "text_scale",
            default=1.0,
            min=0.0,
            max=15.0,
            step=0.1,
            optional=True,
            tooltip=(
                "Guidance for the prompts alone. Above 1 the face follows them more closely, and clips with a prompt "
                "take half as long again. 1 is off."
            ),
            **io_types.ADVANCED,
        ),
    ]


def acceleration() -> io.Input:
    return io_types.Acceleration.Input(
        "acceleration",
        optional=True,
        tooltip="From 'Accelerate (Hallo2)': faster, at some loss. Without it, every step is computed in full.",
    )
