"""IMAGE (and MASKs) → the portrait at the size of the video, with detected face and region masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io, ui
from einops import rearrange, repeat
from torch import Tensor

from ..hallo2_core.config import LONGEST_SIDE_PX, PIXELS_PER_LATENT, SIZE_MULTIPLE_PX, check_frame_size
from ..hallo2_core.errors import SettingsError
from .host.editor import show_text, shown_while
from .schema import io_types
from .schema.search import also_found_as

if TYPE_CHECKING:
    from ..hallo2_core.payloads import Portrait
    from ..hallo2_core.portrait.face_analysis import FaceAnalysis


def _side(name: str, what: str) -> io.Int.Input:
    return io.Int.Input(
        name,
        default=512,
        min=SIZE_MULTIPLE_PX,
        max=LONGEST_SIDE_PX,
        step=SIZE_MULTIPLE_PX,
        tooltip=f"{what} of the video in pixels, a multiple of 64. Hallo2 was trained at 512; use 128 for the demo.",
    )


def _expansion(name: str, default: float, what: str) -> io.Float.Input:
    return io.Float.Input(
        name,
        default=default,
        min=0.5,
        max=5.0,
        step=0.05,
        tooltip=f"{what} The release uses {default}; a larger box lets speech move more of the surroundings.",
    )


def _region(name: str, what: str) -> io.Mask.Input:
    return io.Mask.Input(name, optional=True, tooltip=what)


class Hallo2PreparePortrait(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2PreparePortrait",
            display_name="Prepare Portrait (Hallo2)",
            category="Hallo2",
            description=(
                "Finds the face, crops the picture to the video's aspect ratio, and masks where speech moves face, "
                "lips and everything else. Any picture size. If no face can be found, as in a painting or cartoon, "
                "draw masks."
            ),
            inputs=[
                io.Image.Input("image", tooltip="The portrait; the first picture of a batch."),
                _side("width", "Width"),
                _side("height", "Height"),
                io.Combo.Input(
                    "crop",
                    options=["auto", "face", "centre", "none"],
                    default="auto",
                    tooltip=(
                        "Which part becomes the video. 'auto': the whole picture if its aspect ratio fits and the "
                        "face is large enough, otherwise 'face'. 'face': the face fills about half of the frame. "
                        "'centre': the largest centered part. 'none': the whole picture, stretched to fit, as in the "
                        "release."
                    ),
                ),
                io.Int.Input(
                    "face_index",
                    default=0,
                    min=0,
                    max=99,
                    tooltip="Which face to animate if there are several: 0 is the largest, 1 the next.",
                ),
                _expansion(
                    "face_expand", 1.2, "Size of the face box relative to the face: where speech moves the face."
                ),
                _expansion(
                    "lip_expand", 2.0, "Size of the lip box relative to the lips: where speech moves the mouth."
                ),
                io.Boolean.Input(
                    "whole_picture",
                    default=False,
                    tooltip="If no face is found, treat the whole picture as the face instead of stopping.",
                ),
                io_types.FaceAnalysis.Input(
                    "face_analysis",
                    optional=True,
                    tooltip="From 'Load Face Analysis (Hallo2)'. Not needed with a face mask.",
                ),
                _region("face_mask", "Mask of the face, drawn by hand; replaces the detected one."),
                _region("lip_mask", "Mask of the lips, drawn by hand; replaces the detected one."),
                _region("pose_mask", "Where speech moves the head, drawn by hand; everything but the face by default."),
                io.Boolean.Input(
                    "as_released_range",
                    default=False,
                    optional=True,
                    tooltip=(
                        "Only for comparisons with the official code: a picture without any dark pixel is darkened "
                        "and its contrast doubled, as happens there."
                    ),
                    **io_types.ADVANCED,
                ),
            ],
            outputs=[
                io_types.Portrait.Output(display_name="portrait"),
                io.Image.Output(display_name="crop", tooltip="The picture that the video starts from."),
                io.Mask.Output(display_name="face", tooltip="Where speech moves the face."),
                io.Mask.Output(display_name="lip", tooltip="Where speech moves the lips."),
                io.Mask.Output(display_name="pose", tooltip="Where speech moves everything else."),
            ],
            hidden=[io.Hidden.unique_id],
            **also_found_as("face crop", "face mask", "talking head", "avatar", "photo"),
        )

    @classmethod
    def validate_inputs(cls, width: int | None, height: int | None) -> bool | str:
        sides = [SIZE_MULTIPLE_PX if side is None else side for side in (width, height)]  # None: from another node
        if max(sides) > LONGEST_SIDE_PX:
            return f"The size is {sides[0]}x{sides[1]}; width and height go up to {LONGEST_SIDE_PX}."
        try:
            check_frame_size(*sides)
        except SettingsError as refusal:
            return str(refusal)
        return True

    @classmethod
    def execute(
        cls,
        image: Tensor,
        width: int,
        height: int,
        crop: str,
        face_index: int,
        face_expand: float,
        lip_expand: float,
        whole_picture: bool,
        face_analysis: FaceAnalysis | None = None,
        face_mask: Tensor | None = None,
        lip_mask: Tensor | None = None,
        pose_mask: Tensor | None = None,
        as_released_range: bool = False,
    ) -> io.NodeOutput:
        from ..hallo2_core.portrait.prepare import prepare_portrait

        with shown_while(cls.hidden.unique_id, "Looking for the face"):
            portrait = prepare_portrait(
                image,
                face_analysis,
                width,
                height,
                crop=crop,
                face_index=face_index,
                face_expand=face_expand,
                lip_expand=lip_expand,
                face_mask=face_mask,
                lip_mask=lip_mask,
                pose_mask=pose_mask,
                whole_picture=whole_picture,
                as_released_range=as_released_range,
            )
        notes = "\n".join(portrait.notes)
        show_text(cls.hidden.unique_id, notes)
        return io.NodeOutput(portrait, *_pictures(portrait), ui=ui.PreviewText(notes))


def _pictures(portrait: Portrait) -> tuple[Tensor, ...]:
    """The crop (1 h w 3) and the face, lip and pose masks (1 h w), at the size of the video."""
    crop = rearrange(portrait.pixels / 2 + 0.5, "c h w -> 1 h w c")
    finest = (levels[0] for levels in (portrait.masks.face, portrait.masks.lip, portrait.masks.pose))
    rows, side = portrait.height // PIXELS_PER_LATENT, PIXELS_PER_LATENT
    return crop, *(repeat(mask, "(h w) -> 1 (h y) (w x)", h=rows, y=side, x=side) for mask in finest)
