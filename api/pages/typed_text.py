"""What people type on pages that have no .form file, cleaned as it comes in (docs/adr/0023): a refused form shows it as it would
have been kept. What is behind the pages cleans for itself, too: programs and files come there by other ways."""

from typing import Annotated

from fastapi import Form, Query
from pydantic import AfterValidator

from cleaning import clean_address, clean_identifier, clean_name, clean_text

LONGEST_LINE = 300
TypedNumber = Annotated[str, AfterValidator(clean_identifier), Form(max_length=LONGEST_LINE)]
"""A phone, a one-time code, an office's code."""
TypedName = Annotated[str, AfterValidator(clean_name), Form(max_length=LONGEST_LINE)]
TypedAddress = Annotated[str, AfterValidator(clean_address), Form(max_length=LONGEST_LINE)]
TypedReason = Annotated[str, AfterValidator(clean_name), Form(max_length=2000)]
"""A few words in one line, however many lines they were typed in."""
TypedText = Annotated[str, AfterValidator(clean_text), Form(max_length=20_000)]
SearchWords = Annotated[str, AfterValidator(clean_name), Query(max_length=200)]
"""Half of what is searched by them is kept as it was written: not NFKC, which every comparison does for itself."""
