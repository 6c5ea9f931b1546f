"""A screen without a screen: Xvfb, for the PIN window.

Xvfb starts `/usr/bin/xkbcomp`, a path built into it. The copy that runs here has a link of the same length in that place, so that
an unpacked one is enough.
"""

import contextlib
import os
import secrets
import shutil
import string
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.browser.chromium import FONTS_CONF, PACKAGES
from tests.cardauth.agent import packages

BUILT_IN = "/usr/bin"
SIZE = (640, 440)
BYTES_PER_PIXEL = 4


@dataclass(frozen=True)
class Screen:
    """A running screen; `environment` has to be set in every process that draws on it."""

    folder: Path
    environment: dict[str, str]

    def save(self, path: Path) -> None:
        """A picture of the window on it."""
        picture = self._look()
        picture.crop(picture.getbbox()).save(path)

    @property
    def is_empty(self) -> bool:
        """Whether there is no window."""
        return self._look().getbbox() is None

    def _look(self) -> Image.Image:
        """The last bytes of its memory are the pixels."""
        pixels = (self.folder / "Xvfb_screen0").read_bytes()[-SIZE[0] * SIZE[1] * BYTES_PER_PIXEL :]
        return Image.frombytes("RGB", SIZE, pixels, "raw", "BGRX")


@contextlib.contextmanager
def start_screen(folder: Path) -> Iterator[Screen]:
    """Xvfb on a free display, until the end of the block."""
    letters = string.ascii_lowercase + string.digits
    link = Path("/tmp/" + "".join(secrets.choice(letters) for _ in range(len(BUILT_IN) - len("/tmp/"))))
    server = folder / "Xvfb"
    server.write_bytes(
        packages.find("usr/bin/Xvfb").read_bytes().replace(f"{BUILT_IN}\0".encode(), f"{link}\0".encode())
    )
    server.chmod(0o700)
    (folder / "fonts.conf").write_text(
        FONTS_CONF.format(fonts=PACKAGES / "@expo-google-fonts", cache=folder / "fonts")
    )
    link.symlink_to(packages.find("usr/bin/xkbcomp").parent)
    reads, writes = os.pipe()
    command = [str(server), "-displayfd", str(writes), "-nolisten", "tcp", "-nocursor", "-fbdir", str(folder)]
    command += ["-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-xkbdir", str(packages.find("usr/share/X11/xkb"))]
    log = (folder / "Xvfb.log").open("wb")
    environment = os.environ | {"LD_LIBRARY_PATH": packages.library_path()}
    process = subprocess.Popen(command, env=environment, pass_fds=[writes], stdout=log, stderr=log)
    os.close(writes)
    try:
        with os.fdopen(reads) as display:
            number = display.readline().strip()
        assert number, (folder / "Xvfb.log").read_text(errors="replace")
        yield Screen(folder, {"DISPLAY": f":{number}", "FONTCONFIG_FILE": str(folder / "fonts.conf")})
    finally:
        process.terminate()
        process.wait(10)
        log.close()
        link.unlink()
        shutil.rmtree(folder / "fonts", ignore_errors=True)
