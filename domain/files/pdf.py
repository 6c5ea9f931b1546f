"""Pages of a PDF, drawn by PDFium without JavaScript (the build of pypdfium2 has no V8 and no XFA). Runs in `child` only."""

from typing import Any

import pypdfium2
from pypdfium2 import PdfiumError, raw

from domain.files.pictures import PAGE_BOX, Drawn, make_small, write_jpeg
from domain.files.unfit import BROKEN, LOCKED, Unfit

MOST_SCALE = 4.0  # 288 dots an inch: a stamp-sized page is not blown up


def draw_pdf(data: bytes, page: int) -> Drawn:
    """Page `page` (from 1), its filled-in fields and notes too. Raises Unfit; LOCKED for one that asks for a password."""
    try:
        document = pypdfium2.PdfDocument(data)
    except PdfiumError as error:
        raise Unfit(LOCKED if error.err_code == raw.FPDF_ERR_PASSWORD else BROKEN) from error
    try:
        document.init_forms()
        pages = len(document)
        if not 1 <= page <= pages:
            raise Unfit(BROKEN)
        sheet = document[page - 1]
        width, height = sheet.get_size()
        render: Any = sheet.render  # its default gives it a narrower type than it takes
        scale = min(MOST_SCALE, PAGE_BOX[0] / max(width, 1), PAGE_BOX[1] / max(height, 1))
        seen = render(scale=scale).to_pil().convert("RGB")
    except (PdfiumError, ValueError, OverflowError) as error:
        raise Unfit(BROKEN) from error
    return Drawn(pages, write_jpeg(seen), make_small(seen) if page == 1 else None)
