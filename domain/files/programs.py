"""Programs for Windows, Linux and macOS, wherever they hide."""

import struct

WITH_SIGNATURE = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
HEAD = 4096
"""So much of a file's beginning tells."""


def is_program(start: bytes) -> bool:
    """Whether what begins so is executable. Two letters alone are not enough: pictures and texts may begin with MZ."""
    if start.startswith(WITH_SIGNATURE):
        return True
    if not start.startswith(b"MZ") or len(start) < 64:
        return False
    (header,) = struct.unpack_from("<I", start, 60)
    return start[header : header + 4] == b"PE\0\0"
