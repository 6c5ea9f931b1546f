"""Pictures, decoded by Pillow and libheif, drawn as JPEGs without anything but what is seen. Runs in `child` only."""

import io
import struct
import warnings
from dataclasses import dataclass
from typing import cast

from PIL import Image, ImageCms, UnidentifiedImageError
from pillow_heif import register_heif_opener

from domain.files.types import BMP, HEIC, JPG, PNG, TIF, WEBP, FileType
from domain.files.unfit import PICTURE_BROKEN, TOO_MANY_PIXELS, Unfit

MOST_PIXELS = 100_000_000
PAGE_BOX = (2560, 2560)
"""An A4 sheet photographed to the edges is read at 220 dots an inch."""
SMALL_BOX = (176, 176)
"""Twice what lists show, for dense screens."""
QUALITY, SMALL_QUALITY = 85, 75
FORMATS = {
    JPG: ("JPEG", "MPO"),
    PNG: ("PNG",),
    WEBP: ("WEBP",),
    HEIC: ("HEIF",),
    TIF: ("TIFF",),
    BMP: ("BMP", "DIB"),
}
DECODERS_SAY = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
)
"""What Pillow and its plugins raise for broken content (a SyntaxError is one of Pillow's own words for it)."""

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the orientation that EXIF gives (CIPA DC-008, 4.6.4)."""

Image.MAX_IMAGE_PIXELS = None  # ours is counted before anything is unpacked
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


@dataclass(frozen=True)
class Drawn:
    """One page as a JPEG; `small` for lists, of the first page only. `pages` is how many there are."""

    pages: int
    page: bytes
    small: bytes | None = None


def draw_picture(data: bytes, kind: FileType, page: int) -> Drawn:
    """Page `page` (from 1) of a picture: a scan may have several, what is animated has one. Raises Unfit."""
    try:
        with (
            warnings.catch_warnings(
                action="ignore"
            ),  # of EXIF that is not as it should be: it is not looked at
            Image.open(io.BytesIO(data), formats=FORMATS[kind]) as picture,
        ):
            pages = getattr(picture, "n_frames", 1) if kind is TIF else 1
            if not 1 <= page <= pages:
                raise Unfit(PICTURE_BROKEN)
            if page > 1:
                picture.seek(page - 1)
            if picture.width * picture.height > MOST_PIXELS:
                raise Unfit(TOO_MANY_PIXELS)
            seen = shrink(picture, PAGE_BOX)
            return Drawn(pages, write_jpeg(seen), make_small(seen) if page == 1 else None)
    except (UnidentifiedImageError, *DECODERS_SAY) as error:
        raise Unfit(PICTURE_BROKEN) from error


def shrink(picture: Image.Image, box: tuple[int, int]) -> Image.Image:
    """The picture as it is meant to be seen: upright, in sRGB, on white, no larger than the box."""
    profile = picture.info.get("icc_profile")
    picture.draft(None, box)  # a JPEG is decoded at a fraction of its size at once
    seen = _readable(picture)
    turn = _find_turn(picture)  # now that it is loaded: Pillow has turned a TIFF by itself, and says so
    seen.thumbnail(box, Image.Resampling.LANCZOS)
    return _in_srgb(seen if turn is None else seen.transpose(turn), profile)


def make_small(seen: Image.Image) -> bytes:
    """The JPEG for lists."""
    small = seen.copy()
    small.thumbnail(SMALL_BOX, Image.Resampling.LANCZOS)
    return write_jpeg(small, SMALL_QUALITY)


def write_jpeg(seen: Image.Image, quality: int = QUALITY) -> bytes:
    """Pixels and nothing else: no EXIF, no profile, no comment."""
    bare = Image.new("RGB", seen.size)
    bare.paste(seen)
    buffer = io.BytesIO()
    bare.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
    return buffer.getvalue()


def _find_turn(picture: Image.Image) -> Image.Transpose | None:
    """How the camera was held. What cannot be read turns nothing."""
    try:
        return TURNS.get(picture.getexif().get(ORIENTATION, 1))
    except DECODERS_SAY:
        return None


def _readable(picture: Image.Image) -> Image.Image:
    """In a mode that can be made smaller without loss of meaning."""
    mode = picture.mode
    if mode.startswith("I") or mode == "F":  # 16 bits, or more: what is there becomes black to white
        return _stretch(picture)
    if mode == "1":
        return picture.convert("L")
    if mode in ("P", "PA", "RGBa", "La"):
        return picture.convert("RGBA" if "transparency" in picture.info or mode != "P" else "RGB")
    picture.load()
    return picture


def _stretch(picture: Image.Image) -> Image.Image:
    wide = picture.convert("F")
    _, most = cast(tuple[float, float], wide.getextrema())
    ceiling = 65535.0 if most > 255 else 255.0
    return wide.point(lambda value: value * (255 / max(ceiling, most))).convert("L")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if "A" in picture.mode:
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        picture = white.convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(
                picture, given, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            turned = None  # a profile of another colour space, or a broken one: the colours as they are
        if turned is not None:
            return turned
    return picture.convert("RGB")
