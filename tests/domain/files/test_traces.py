"""What others get of a picture: every pixel, and nothing of where, when and with what it was taken."""

import io
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin

from domain.files.traces import without_traces
from domain.files.types import BMP, HEIC, JPG, PNG, TIF, WEBP
from tests.domain.files.samples import exif, picture, two_colours

FORMATS = {"JPEG": JPG, "PNG": PNG, "WEBP": WEBP, "HEIF": HEIC, "TIFF": TIF}
TELLING = (b"Apple", b"iPhone", b"GPSLatitude", struct.pack(">II", 31, 1), struct.pack("<II", 31, 1))
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>GPSLatitude 31,17N</x:xmpmeta>"


def with_traces(name: str, turn: int = 1) -> bytes:
    more: dict[str, Any] = {"exif": exif(turn)}
    if name == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "Apple iPhone")
        text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=False)
        more["pnginfo"] = text
    elif name != "TIFF":
        more["xmp"] = XMP
    return picture(name, Image.effect_noise((160, 120), 60).convert("RGB"), **more)


def seen(data: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def cleaned(data: bytes, name: str) -> bytes:
    result = without_traces(data, FORMATS[name])
    assert result is not None
    return result


@pytest.mark.parametrize("name", FORMATS)
def test_the_place_and_the_camera_are_gone_and_every_pixel_stays(name: str) -> None:
    data = with_traces(name)
    assert any(one in data for one in TELLING)
    bare = cleaned(data, name)
    assert not any(one in bare for one in TELLING)
    assert seen(bare).tobytes() == seen(data).tobytes()
    kept = Image.open(io.BytesIO(bare)).getexif()
    assert not {0x010F, 0x0110, 0x8825, 0x8769} & set(kept)
    assert cleaned(bare, name) == bare


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "HEIF"])
@pytest.mark.parametrize("turn", [3, 6, 8])
def test_it_still_stands_as_the_camera_was_held(name: str, turn: int) -> None:
    data = with_traces(name, turn)
    assert seen(cleaned(data, name)).tobytes() == seen(data).tobytes()


def test_a_webp_that_has_to_be_turned_is_drawn_instead() -> None:
    assert without_traces(with_traces("WEBP", 6), WEBP) is None


def test_colours_stay_and_what_hangs_behind_a_jpeg_goes() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = picture("JPEG", exif=exif(), icc_profile=profile, comment=b"Apple", progressive=True)
    film = b"\x00\x00\x00\x18ftypmp42 a film with its place"
    bare = cleaned(data + film, "JPEG")
    assert Image.open(io.BytesIO(bare)).info["icc_profile"] == profile
    assert b"film" not in bare and b"Apple" not in bare
    cmyk = Image.new("CMYK", (30, 20), (10, 200, 30, 40))
    assert (
        seen(cleaned(picture("JPEG", cmyk, exif=exif()), "JPEG")).tobytes()
        == seen(picture("JPEG", cmyk)).tobytes()
    )


def test_every_page_of_a_scan_is_cleaned() -> None:
    pages = [two_colours((60, 40)), two_colours((40, 60))]
    data = picture(
        "TIFF", pages[0], save_all=True, append_images=pages[1:], exif=exif(), description="Apple in Kunshan"
    )
    bare = cleaned(data, "TIFF")
    assert b"Kunshan" not in bare and b"Apple" not in bare
    scan: Any = Image.open(io.BytesIO(bare))
    assert scan.n_frames == 2
    scan.seek(1)
    assert scan.convert("RGB").tobytes() == pages[1].tobytes()


def test_a_heic_that_is_more_than_a_picture_is_drawn_instead() -> None:
    data = with_traces("HEIF")
    film = struct.pack(">I4s", 24, b"moov") + b"Kunshan, 31.3N  "
    assert without_traces(data + film, HEIC) is None
    assert without_traces(data.replace(b"iloc", b"xxxx"), HEIC) is None


def test_a_bitmap_tells_nothing_anyway() -> None:
    data = picture("BMP")
    assert without_traces(data, BMP) == data


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_picture_of_its_kind_is_not_handed_on(name: str) -> None:
    data = with_traces(name)
    for broken in (b"", data[:20], b"\0" * 100):
        assert without_traces(broken, FORMATS[name]) is None


ALL = {name: with_traces(name) for name in FORMATS}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_no_damage_makes_cleaning_raise_or_go_on_for_ever(name: str, data: st.DataObject) -> None:
    content = bytearray(ALL[name])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content), 2000) - 1))] = data.draw(st.integers(0, 255))
    result = without_traces(bytes(content[: data.draw(st.integers(0, len(content)))]), FORMATS[name])
    assert result is None or isinstance(result, bytes)
