"""Reading what somebody has filled in in Excel: the rows of a file's first sheet as texts, within limits that hold before
anything is unpacked. Formulas are read as the text they are and never worked out.

openpyxl reads row by row and stops when told to; a reader that builds the whole sheet first can be made to ask for all
the memory there is by one cell in the last row (docs/adr/0010).
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleaning import clean_line, clean_name
from domain.exceptions import SheetRefused

if TYPE_CHECKING:
    from xlsxwriter import Workbook

LARGEST_FILE = 2 * 1024 * 1024
LARGEST_UNPACKED = 20 * 1024 * 1024
MOST_PARTS = 100
MOST_COLUMNS = 20
ROWS_LOOKED_AT = 5000
MAKES_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
)  # what Excel takes for one at the start of a cell of a CSV file


@dataclass(frozen=True)
class SheetRow:
    """One row with something in it: `line` as Excel counts, one text a column; `formulas` are the columns that hold one."""

    line: int
    cells: tuple[str, ...]
    formulas: frozenset[int]


def read_sheet(data: bytes, most_rows: int) -> list[SheetRow]:
    """The rows of the first sheet that are not empty. Blocking. Raises SheetRefused for what is no sheet, or too large."""
    from openpyxl import load_workbook  # half a second to load, and few processes ever read a file
    from openpyxl.utils.exceptions import InvalidFileException

    _require_harmless(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        try:
            return _read_rows(book.worksheets[0], most_rows)
        finally:
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, IndexError, ValueError, TypeError, SyntaxError,
            AttributeError, OSError, EOFError) as error:  # fmt: skip  # what the library raises for a broken file
        raise SheetRefused("这个文件不能读取，请用 Excel 另存为 xlsx 文件后再上传。") from error


def read_table(data: bytes, most_rows: int) -> list[SheetRow]:
    """The rows of an Excel or a CSV file, whichever it is. Blocking. Raises SheetRefused."""
    return read_sheet(data, most_rows) if data.startswith(b"PK") or not data else read_csv(data, most_rows)


def read_csv(data: bytes, most_rows: int) -> list[SheetRow]:
    """The rows of a CSV file that are not empty, in UTF-8 or as Excel saves it in China (GB 18030). Raises SheetRefused."""
    if len(data) > LARGEST_FILE:
        raise SheetRefused(f"文件超过 {LARGEST_FILE // 1024 // 1024} MB，请只保留需要导入的内容。")
    found: list[SheetRow] = []
    try:
        for line, cells in enumerate(csv.reader(io.StringIO(_decode(data)), strict=True), start=1):
            texts = tuple(_unguard(clean_line(text)) for text in cells[:MOST_COLUMNS])
            if not any(texts):
                continue
            if line > most_rows:
                raise SheetRefused(f"第 {line} 行还有内容：一次最多导入 {most_rows - 1} 行，请分几次导入。")
            found.append(SheetRow(line, texts + ("",) * (MOST_COLUMNS - len(texts)), frozenset()))
    except csv.Error as error:
        raise SheetRefused("这个文件不能读取，请用 Excel 另存为 xlsx 或 CSV 文件后再上传。") from error
    return found


def new_book(buffer: io.BytesIO) -> "Workbook":
    """An Excel file to be written, in which a text is a text: no formula, link or number is made of it."""
    from xlsxwriter import Workbook  # takes its time to load

    as_written = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    return Workbook(buffer, {"in_memory": True, **as_written})


def write_table(name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """An Excel file with one sheet. Every text is written as text."""
    buffer = io.BytesIO()
    with new_book(buffer) as book:
        bold = book.add_format({"bold": True, "bg_color": "#E9F0F9", "border": 1, "border_color": "#D5DCE6"})
        as_text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(name)
        sheet.set_column(0, len(head) - 1, 24, as_text)
        for place, text in enumerate(head):
            sheet.write_string(0, place, text, bold)
        for line, row in enumerate(rows, start=1):
            for place, text in enumerate(row):
                sheet.write_string(line, place, text, as_text)
        sheet.freeze_panes(1, 0)
    return buffer.getvalue()


def write_csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file that Excel opens as UTF-8; what it would take for a formula gets an apostrophe, which `read_csv` drops."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(head)
    writer.writerows([f"'{text}" if text.startswith(MAKES_FORMULA) else text for text in row] for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetRefused("这不是 Excel（xlsx）或 CSV 文件。")


def _unguard(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:].startswith(MAKES_FORMULA) else text


def _require_harmless(data: bytes) -> None:
    """Only as much as the file itself says it unpacks to: zipfile reads no more of a part than is declared."""
    if not data:
        raise SheetRefused("请选择要导入的 Excel 文件。")
    if len(data) > LARGEST_FILE:
        raise SheetRefused(f"文件超过 {LARGEST_FILE // 1024 // 1024} MB，请只保留需要导入的内容。")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise SheetRefused("这不是 Excel 文件（xlsx）。旧的 xls 文件请另存为 xlsx 后再上传。") from error
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
        raise SheetRefused("文件里的内容太多，请用模板填写，只保留需要导入的内容。")
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise SheetRefused("这不是 Excel 文件（xlsx），请用模板填写。")


def _read_rows(sheet: Any, most_rows: int) -> list[SheetRow]:
    sheet.reset_dimensions()  # what the file says of its own size need not be true
    found: list[SheetRow] = []
    # Further than is allowed, so that what stands below is told and not cut off.
    for line, cells in enumerate(sheet.iter_rows(max_row=ROWS_LOOKED_AT, max_col=MOST_COLUMNS), start=1):
        texts = tuple(_text(cell.value) for cell in cells)
        if not any(texts):
            continue
        if line > most_rows:
            raise SheetRefused(f"第 {line} 行还有内容：一次最多导入 {most_rows - 1} 行，请分几次导入。")
        formulas = frozenset(place for place, cell in enumerate(cells) if cell.data_type == "f")
        found.append(SheetRow(line, texts, formulas))
    return found


def _text(value: Any) -> str:
    """A cell as text; phone numbers are often numbers."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean_line(str(value))


def find_columns(head: Sequence[str], wanted: Sequence[str]) -> dict[str, int]:
    """Where each of these headings stands, with or without a star. Raises SheetRefused naming those that are missing."""
    places = {clean_name(text).rstrip("*＊ "): place for place, text in reversed(list(enumerate(head)))}
    missing = [name for name in wanted if name not in places]
    if missing:
        raise SheetRefused(f"第一行缺少“{'”“'.join(missing)}”，请使用模板，不要改动第一行。")
    return {name: places[name] for name in wanted}
