"""Draw the template browser's pictures, workflows/NAME.jpg, from the pictures of the documentation.

    python tools/draw_thumbnails.py

Draw them again when docs/images has changed. Needs Pillow only.
"""

from __future__ import annotations

import wave
from array import array
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[1]
IMAGES, EXAMPLES, MEDIA = ROOT / "docs/images", ROOT / "hallo2_core/examples", ROOT / "tests/media"
SIDE_PX, QUALITY = 512, 85
DARK, LIGHT, WAVE, FRAME = "#1b1d22", "#e8e8e8", "#63a2e6", "#ffd34d"
SAID_SECONDS = (0.6, 2.1, 5.0, 7.4)  # four moments of the demo's video


def main() -> None:
    for name, draw in THUMBNAILS.items():
        draw().convert("RGB").save(ROOT / "workflows" / f"{name}.jpg", quality=QUALITY, optimize=True)


def demo_frame(seconds: float, side: int) -> Image.Image:
    with Image.open(IMAGES / "demo.webp") as moving:
        moving.seek(min(round(seconds * 12.5), moving.n_frames - 1))
        return square(moving.convert("RGB"), side)


def square(picture: Image.Image, side: int) -> Image.Image:
    """The middle of a picture."""
    edge = min(picture.size)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    return picture.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.LANCZOS)


def sheet(color: str = DARK) -> Image.Image:
    return Image.new("RGB", (SIDE_PX, SIDE_PX), color)


def waveform(onto: Image.Image, top: int, height: int, sound: Path = EXAMPLES / "voice.wav") -> None:
    with wave.open(str(sound)) as voice:
        samples = array("h", voice.readframes(voice.getnframes()))
    draw, step = ImageDraw.Draw(onto), len(samples) // SIDE_PX
    draw.rectangle((0, top, SIDE_PX, top + height), fill=DARK)
    for x in range(SIDE_PX):
        loud = max(map(abs, samples[x * step : (x + 1) * step])) / 32768 * height / 2
        draw.line((x, top + height / 2 - loud, x, top + height / 2 + loud), fill=WAVE)


def first_run_demo() -> Image.Image:
    half, out = SIDE_PX // 2, sheet()
    for place, seconds in enumerate(SAID_SECONDS):
        out.paste(demo_frame(seconds, half), (place % 2 * half, place // 2 * half))
    return out


def animate_portrait() -> Image.Image:
    out = square(Image.open(MEDIA / "portrait.png").convert("RGB"), SIDE_PX)
    waveform(out, 400, 112)
    return out


def over_frames(strip: Image.Image) -> Image.Image:
    """Two frames, and a part of a timeline below."""
    half, out = SIDE_PX // 2, sheet()
    for place, seconds in enumerate(SAID_SECONDS[1:3]):
        out.paste(demo_frame(seconds, half), (place * half, 0))
    height = round(strip.height * SIDE_PX / strip.width)
    out.paste(strip.resize((SIDE_PX, height), Image.Resampling.LANCZOS), (0, half + (half - height) // 2))
    return out


def animate_with_prompts() -> Image.Image:
    return over_frames(timeline("timeline_prompts.png"))


def weights_over_time() -> Image.Image:
    return over_frames(timeline("timeline_weights.png"))


def timeline(name: str) -> Image.Image:
    """The waveform and the spans of a screenshot."""
    picture = Image.open(IMAGES / name).convert("RGB")
    return picture.crop(
        (round(picture.width * 0.03), round(picture.height * 0.5), round(picture.width * 0.97), picture.height)
    )


def long_video_with_inspection() -> Image.Image:
    plot, out = Image.open(IMAGES / "inspect_demo.png").convert("RGB"), sheet("white")
    plot = plot.crop((0, 0, plot.width // 2, plot.height))
    plot.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    out.paste(plot, ((SIDE_PX - plot.width) // 2, (SIDE_PX - plot.height) // 2))
    return out


def paste_back_into_photograph() -> Image.Image:
    photograph, out = Image.open(MEDIA / "portrait_wide.png").convert("RGB"), sheet()
    box = (150, 10, 330, 190)
    out.paste(photograph.crop(box).resize((216, 216), Image.Resampling.LANCZOS), (148, 4))
    ImageDraw.Draw(photograph).rectangle(box, outline=FRAME, width=3)
    out.paste(photograph, (0, 224))
    draw = ImageDraw.Draw(out)
    draw.rectangle((148, 4, 363, 219), outline=FRAME, width=3)
    return out


def two_speakers() -> Image.Image:
    out = square(Image.open(EXAMPLES / "two_faces.png").convert("RGB"), SIDE_PX)
    waveform(out, 440, 72)
    return out


def speech_from_noisy_recording() -> Image.Image:
    """A face, the recording, the voice alone."""
    out = sheet()
    out.paste(demo_frame(SAID_SECONDS[1], 300), ((SIDE_PX - 300) // 2, 0))
    waveform(out, 310, 90, MEDIA / "speech_music.wav")
    waveform(out, 415, 90)
    return out


def text_to_speech() -> Image.Image:
    """A written line, its sound, and the face that says it."""
    out = sheet()
    ImageDraw.Draw(out).text((24, 16), "“Hello! How are you?”", fill=LIGHT, font=ImageFont.load_default(40))
    waveform(out, 82, 80)
    out.paste(demo_frame(SAID_SECONDS[2], 340), ((SIDE_PX - 340) // 2, 172))
    return out


def upscale_video() -> Image.Image:
    """Left as a small video shows it, right enlarged."""
    large = demo_frame(SAID_SECONDS[1], SIDE_PX)
    small = large.resize((48, 48), Image.Resampling.BILINEAR).resize((SIDE_PX, SIDE_PX), Image.Resampling.NEAREST)
    large.paste(small.crop((0, 0, SIDE_PX // 2, SIDE_PX)), (0, 0))
    ImageDraw.Draw(large).line((SIDE_PX // 2, 0, SIDE_PX // 2, SIDE_PX), fill="white", width=3)
    return large


def animate_and_upscale() -> Image.Image:
    out = demo_frame(SAID_SECONDS[0], SIDE_PX)
    out.paste(square(Image.open(EXAMPLES / "portrait.png").convert("RGB"), 150), (10, 10))
    ImageDraw.Draw(out).rectangle((9, 9, 161, 161), outline="white", width=2)
    waveform(out, 440, 72)
    return out


def attention_maps() -> Image.Image:
    """Of the documentation's overview: two frames above their maps."""
    overview = Image.open(IMAGES / "attention_maps_demo.png").convert("RGB")
    tile, out, half = 186, sheet(), SIDE_PX // 2
    for row, top in enumerate((106, 586)):
        for column, left in enumerate((28, 421)):
            cut = overview.crop((left, top, left + tile, top + tile))
            out.paste(cut.resize((half, half), Image.Resampling.LANCZOS), (column * half, row * half))
    return out


def farm() -> Image.Image:
    """Nine videos under way."""
    third, edge, out = SIDE_PX // 3, 10, sheet()
    side, draw = third - 2 * edge, ImageDraw.Draw(out)
    for place, share in enumerate((0.9, 0.4, 1.0, 0.7, 0.2, 0.8, 1.0, 0.5, 0.1)):
        left, top = place % 3 * third + edge, place // 3 * third
        out.paste(demo_frame(SAID_SECONDS[0] + 0.8 * place, side), (left, top))
        draw.rectangle((left, top + side + 4, left + share * side, top + side + 12), fill=WAVE)
    return out


def set_up() -> Image.Image:
    out = sheet()
    draw, font = ImageDraw.Draw(out), ImageFont.load_default(34)
    for row, line in enumerate(("weights", "versions", "memory", "disk", "networks")):
        y = 64 + 84 * row
        draw.line((70, y + 18, 86, y + 34, 116, y - 2), fill="#7ad17a", width=8, joint="curve")
        draw.text((160, y - 4), line, fill=LIGHT, font=font)
    return out


THUMBNAILS = {
    draw.__name__: draw
    for draw in (
        first_run_demo,
        animate_portrait,
        animate_with_prompts,
        weights_over_time,
        long_video_with_inspection,
        paste_back_into_photograph,
        two_speakers,
        speech_from_noisy_recording,
        text_to_speech,
        upscale_video,
        animate_and_upscale,
        attention_maps,
        farm,
        set_up,
    )
}

if __name__ == "__main__":
    main()
