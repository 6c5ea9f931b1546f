"""What is seen of pictures and PDFs: upright, in their colours, of a bounded size, telling nothing else, running nothing."""

import io
import struct
from typing import Any

import pytest
from PIL import Image, ImageCms

from domain.files.pdf import draw_pdf
from domain.files.pictures import MOST_PIXELS, PAGE_BOX, SMALL_BOX, draw_picture
from domain.files.types import BMP, HEIC, JPG, PNG, TIF, WEBP, FileType
from domain.files.unfit import BROKEN, LOCKED, PICTURE_BROKEN, TOO_MANY_PIXELS, Unfit
from tests.domain.files.samples import BLUE, RED, exif, huge_png, pdf, picture, two_colours

FORMATS = {"JPEG": JPG, "PNG": PNG, "WEBP": WEBP, "HEIF": HEIC, "TIFF": TIF, "BMP": BMP}
WITH_EXIF = ("JPEG", "PNG", "WEBP", "HEIF", "TIFF")


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    image = Image.open(io.BytesIO(data))
    image.load()
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


def near(image: Image.Image, x: float, y: float, colour: tuple[int, int, int], by: int = 30) -> bool:
    seen: Any = image.getpixel((int(x * (image.width - 1)), int(y * (image.height - 1))))
    return all(abs(one - other) <= by for one, other in zip(seen, colour, strict=True))


def refused(data: bytes, kind: FileType, page: int = 1) -> str:
    with pytest.raises(Unfit) as caught:
        draw_picture(data, kind, page)
    return caught.value.reason


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_picture_is_drawn_once_large_and_once_small(name: str) -> None:
    drawn = draw_picture(picture(name), FORMATS[name], 1)
    page, small = opened(drawn.page), opened(drawn.small)
    assert (drawn.pages, page.size) == (1, (320, 240))
    assert small.size == (176, 132)
    assert near(page, 0.5, 0.1, RED) and near(page, 0.5, 0.9, BLUE)
    assert near(small, 0.5, 0.1, RED) and near(small, 0.5, 0.9, BLUE)


@pytest.mark.parametrize("name", WITH_EXIF)
@pytest.mark.parametrize(
    ("turn", "red"), [(1, (0.5, 0.1)), (3, (0.5, 0.9)), (6, (0.9, 0.5)), (8, (0.1, 0.5))]
)
def test_pictures_stand_as_the_camera_was_held(name: str, turn: int, red: tuple[float, float]) -> None:
    page = opened(draw_picture(picture(name, exif=exif(turn)), FORMATS[name], 1).page)
    assert page.size == ((320, 240) if turn in (1, 3) else (240, 320))
    assert near(page, *red, RED)


@pytest.mark.parametrize("turn", [2, 4, 5, 7])
def test_mirrored_pictures_are_turned_too(turn: int) -> None:
    expected = {2: (0.5, 0.1), 4: (0.5, 0.9), 5: (0.1, 0.5), 7: (0.9, 0.5)}[turn]
    assert near(opened(draw_picture(picture("JPEG", exif=exif(turn)), JPG, 1).page), *expected, RED)


@pytest.mark.parametrize("name", WITH_EXIF)
def test_what_is_drawn_tells_nothing_but_what_is_seen(name: str) -> None:
    drawn = draw_picture(picture(name, exif=exif(6)), FORMATS[name], 1)
    for one in (drawn.page, drawn.small):
        image = opened(one)
        assert not image.getexif()
        assert {name for name in image.info if not str(name).startswith(("jfif", "progress"))} == set()
        assert one is not None and b"Apple" not in one and b"Exif" not in one


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("L", 128, (128, 128, 128)),
        ("1", 1, (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 0), (255, 255, 255)),
        ("I;16", 32768, (128, 128, 128)),
        ("F", 65535.0, (255, 255, 255)),
    ],
)
def test_scans_of_any_depth_are_seen_as_they_look(mode: str, colour: Any, seen: tuple[int, int, int]) -> None:
    if mode in ("I;16", "F"):
        image = Image.new("I" if mode != "F" else "F", (40, 30), colour)
        image.putpixel((0, 0), 65535)
        image = image.convert(mode)
    else:
        image = Image.new(mode, (40, 30), colour)
    assert near(opened(draw_picture(picture("TIFF", image), TIF, 1).page), 0.5, 0.5, seen, by=3)


def test_colours_of_another_space_are_brought_into_the_usual_one() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    for odd in (profile, b"no profile at all"):
        assert near(opened(draw_picture(picture("JPEG", icc_profile=odd), JPG, 1).page), 0.5, 0.1, RED)
    usual = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    drawn = draw_picture(picture("JPEG", icc_profile=usual), JPG, 1).page
    assert near(opened(drawn), 0.5, 0.1, RED) and "icc_profile" not in opened(drawn).info


def test_a_scan_of_several_pages_has_them_all_and_what_moves_has_one() -> None:
    second = Image.new("RGB", (100, 200), BLUE)
    scan = picture("TIFF", save_all=True, append_images=[second])
    first, next_ = draw_picture(scan, TIF, 1), draw_picture(scan, TIF, 2)
    assert (first.pages, next_.pages, next_.small) == (2, 2, None)
    assert opened(next_.page).size == (100, 200) and near(opened(next_.page), 0.5, 0.5, BLUE)
    assert refused(scan, TIF, 3) == refused(scan, TIF, 0) == PICTURE_BROKEN
    moving = picture("WEBP", save_all=True, append_images=[second.resize((320, 240))], duration=100)
    assert draw_picture(moving, WEBP, 1).pages == 1
    assert near(opened(draw_picture(moving, WEBP, 1).page), 0.5, 0.1, RED)


def test_large_pictures_become_smaller_ones() -> None:
    page = opened(draw_picture(picture("JPEG", two_colours((6000, 3000))), JPG, 1).page)
    assert page.size == (PAGE_BOX[0], PAGE_BOX[0] // 2)
    assert max(opened(draw_picture(picture("PNG", two_colours((3000, 30))), PNG, 1).small).size) == max(
        SMALL_BOX
    )


def test_more_than_a_hundred_megapixels_are_refused_before_they_are_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert refused(huge_png(), PNG) == TOO_MANY_PIXELS
    assert refused(huge_png(10_001, MOST_PIXELS // 10_000), PNG) == TOO_MANY_PIXELS
    head = struct.pack("<IiiHHIIiiII", 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0)
    assert refused(b"BM" + struct.pack("<IHHI", 60, 0, 0, 54) + head, BMP) == TOO_MANY_PIXELS
    monkeypatch.setattr("domain.files.pictures.MOST_PIXELS", 320 * 240 - 1)
    for name, kind in FORMATS.items():
        assert refused(picture(name), kind) == TOO_MANY_PIXELS


@pytest.mark.parametrize("name", FORMATS)
def test_half_a_picture_is_refused(name: str) -> None:
    noise = Image.effect_noise((320, 240), 80).convert("RGB")
    whole = picture(name, noise)
    assert refused(whole[: len(whole) // 2], FORMATS[name]) == PICTURE_BROKEN
    assert refused(whole[:40], FORMATS[name]) == PICTURE_BROKEN
    assert refused(b"", FORMATS[name]) == PICTURE_BROKEN


def test_one_decoder_is_asked_and_no_other() -> None:
    assert refused(picture("PNG"), JPG) == refused(picture("GIF"), PNG) == PICTURE_BROKEN


def test_pages_of_a_pdf_are_drawn() -> None:
    first, second = draw_pdf(pdf(2), 1), draw_pdf(pdf(2), 2)
    page = opened(first.page)
    assert (first.pages, second.pages, second.small) == (2, 2, None)
    assert max(page.size) <= PAGE_BOX[1] and page.width / page.height == pytest.approx(595 / 842, abs=0.01)
    assert near(page, 200 / 595, 142 / 842, (0, 0, 0)) and near(page, 0.9, 0.9, (255, 255, 255))
    assert near(opened(first.small), 200 / 595, 142 / 842, (0, 0, 0))


def test_a_page_of_any_size_is_drawn_within_bounds() -> None:
    for box in (b"0 0 14400 3", b"0 0 3 14400", b"0 0 1 1", b"0 0 900000 900000"):
        page = opened(draw_pdf(pdf().replace(b"0 0 595 842", box.ljust(11)[:20]), 1).page)
        assert max(page.size) <= PAGE_BOX[0] + 1


def test_a_pdf_with_a_password_is_locked_and_half_a_pdf_is_broken() -> None:
    for data, reason in (
        (pdf(password="secret"), LOCKED),
        (b"%PDF-1.7\n%%EOF", BROKEN),
        (pdf()[:200], BROKEN),
    ):
        with pytest.raises(Unfit) as caught:
            draw_pdf(data, 1)
        assert caught.value.reason == reason
    import pypdfium2

    assert len(pypdfium2.PdfDocument(pdf(password="secret"), password="secret")) == 1
    with pytest.raises(Unfit):
        draw_pdf(pdf(), 2)


def test_what_draws_pdfs_has_no_engine_for_their_scripts() -> None:
    import pypdfium2

    assert not {"V8", "XFA"} & set(pypdfium2.PDFIUM_INFO.flags)
    assert draw_pdf(pdf(script="app.alert(1); while (true) {}"), 1).pages == 1
