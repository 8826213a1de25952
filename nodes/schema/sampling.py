"""The inputs that every node has which denoises clips."""

from comfy_api.latest import io

from . import io_types


def parts() -> list[io.Input]:
    """What is animated, and how its clips follow each other."""
    return [
        io_types.Model.Input("model", tooltip="The same model that made the reference."),
        io_types.Reference.Input("reference", tooltip="From 'Apply ReferenceNet (Hallo2)': the portrait."),
        io_types.Speech.Input("speech", tooltip="From 'Encode Speech (Hallo2)'; gives length and frame rate."),
        io_types.Motion.Input("motion", tooltip="From 'Set Motion Frames (Hallo2)': how clips follow each other."),
    ]


def settings() -> list[io.Input]:
    """Steps, guidance, seed and the three regions' weights."""
    return [
        io.Int.Input(
            "steps",
            default=40,
            min=1,
            max=100,
            tooltip=(
                "Denoising steps of each clip. The release uses 40. Fewer take less time and give softer, less "
                "settled pictures; 4 are enough for the demo model, which draws noise anyway."
            ),
        ),
        io.Float.Input(
            "cfg",
            default=3.5,
            min=1.0,
            max=15.0,
            step=0.1,
            tooltip=(
                "How strongly portrait and speech are followed. The release uses 3.5; higher moves the lips "
                "more and hardens contrast. At 1 guidance is off: about twice as fast, and weaker lips."
            ),
        ),
        io.Int.Input(
            "seed",
            default=42,
            min=0,
            max=0xFFFFFFFFFFFFFFFF,
            control_after_generate=False,  # a new seed on every run would throw away what is made already
            tooltip="The same seed and inputs give the same frames. Another seed moves and blinks otherwise.",
        ),
        _region_weight("pose", "How far speech moves the head and everything around the face."),
        _region_weight("face", "How far speech moves brows, eyes and cheeks."),
        _region_weight("lip", "How far speech opens and shapes the mouth."),
    ]


def _region_weight(region: str, on_screen: str) -> io.Float.Input:
    return io.Float.Input(
        f"{region}_weight",
        default=1.0,
        min=0.0,
        max=3.0,
        step=0.05,
        tooltip=f"{on_screen} 1 is the release; 0 lets speech move nothing there; above 1.5 it is exaggerated.",
    )


def vae() -> io.Vae.Input:
    return io.Vae.Input(
        "vae",
        optional=True,
        tooltip="The SD 1.x VAE that the reference was made with. The demo model brings its own.",
    )


def reference_banks() -> io.Combo.Input:
    return io.Combo.Input(
        "reference_banks",
        options=["released", "aligned"],
        default="released",
        optional=True,
        tooltip=(
            "'released': every second frame looks at the portrait without its identity, as the official "
            "code does. 'aligned': every frame looks at the portrait with it."
        ),
        **io_types.ADVANCED,
    )


def legacy_rng() -> io.Boolean.Input:
    return io.Boolean.Input(
        "legacy_rng",
        default=False,
        optional=True,
        tooltip=(
            "Draws random numbers in the official code's order, to compare with its videos. The motion "
            "frames' own seed is then not used."
        ),
        **io_types.ADVANCED,
    )


def timelines() -> list[io.Input]:
    """What changes over time, and how strongly prompts act."""
    return [
        io_types.Text.Input(
            "text",
            optional=True,
            tooltip=("From 'Text Prompts (Hallo2)'. Needs a model with a trained adapter, from 'Load Text Control'."),
        ),
        io_types.Weights.Input(
            "weights",
            optional=True,
            tooltip=(
                "From 'Weight Timeline (Hallo2)': the three weights and cfg over time. Where it says nothing, "
                "the values above hold."
            ),
        ),
        io.Float.Input(
            "text_strength",
            default=1.0,
            min=0.0,
            max=3.0,
            step=0.05,
            optional=True,
            tooltip="How far the prompts act. 0 is as without them; 1 is what the adapter was trained for.",
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
                "Guidance of the prompts alone: above 1 the face follows them further, at the cost of half as "
                "much time again for each clip that has one. 1 is off."
            ),
            **io_types.ADVANCED,
        ),
    ]
