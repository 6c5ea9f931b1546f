"""What a browser calls itself, in words that its owner recognises: `Chrome，Windows 电脑`."""

SYSTEMS = (
    ("HarmonyOS", "鸿蒙设备"),
    ("iPhone", "苹果手机"),
    ("iPad", "苹果平板"),
    ("Android", "安卓设备"),
    ("Windows", "Windows 电脑"),
    ("Macintosh", "苹果电脑"),
    ("Linux", "Linux 电脑"),
)
# Most of them also call themselves Chrome or Safari: the particular before the general.
BROWSERS = (
    ("MicroMessenger", "微信"),
    ("Edg", "Edge"),
    ("QQBrowser", "QQ 浏览器"),
    ("360SE", "360 浏览器"),
    ("OPR/", "Opera"),
    ("HuaweiBrowser", "华为浏览器"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


def name_device(user_agent: str | None) -> str:
    """The browser and its machine; a program by the first word it says of itself."""
    said = user_agent or ""
    browser = next((name for mark, name in BROWSERS if mark in said), None)
    system = next((name for mark, name in SYSTEMS if mark in said), None)
    if browser or system:
        return "，".join(part for part in (browser, system) if part)
    program = said.split("/")[0].split(" ")[0][:30]
    return f"程序（{program}）" if program else "未知设备"
