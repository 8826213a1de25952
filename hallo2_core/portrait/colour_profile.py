"""Pictures with a color profile, such as phones' Display P3 and cameras' Adobe RGB, as viewers show them: in sRGB."""

from __future__ import annotations

import io
import logging

from PIL import Image, ImageCms

logger = logging.getLogger("hallo2")

WITH_OWN_PROFILES = ("CMYK", "L")  # modes that a profile converts; others are RGB by then


def in_srgb(picture: Image.Image) -> Image.Image:
    """RGB, or RGBA if any of it is transparent. A profile that cannot be used is left out, which the log says."""
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if not (embedded := picture.info.get("icc_profile")):
        return picture.convert(mode)
    given = picture if picture.mode in WITH_OWN_PROFILES and mode == "RGB" else picture.convert(mode)
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        if "srgb" in ImageCms.getProfileDescription(profile).lower():
            return given.convert(mode)
        return ImageCms.profileToProfile(given, profile, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ImportError) as error:
        logger.warning("The picture's color profile cannot be used (%s): its colors are taken as sRGB.", error)
        return given.convert(mode)
