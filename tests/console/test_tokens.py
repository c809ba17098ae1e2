"""The colours of the design language: every text can be read on every ground, light and dark."""

import math
import re
from pathlib import Path

import pytest

TOKENS = Path("chassis/console/front/css/tokens.css").read_text()
_PAIR = re.compile(r"--(?P<name>[\w-]+): light-dark\(oklch\((?P<light>[^)]+)\), oklch\((?P<dark>[^)]+)\)\);")

GROUNDS = ("surface", "raised", "sunken")
TEXTS = ("text", "muted", "accent", "positive", "warning", "danger", "info")
ENOUGH_FOR_TEXT, ENOUGH_FOR_A_BORDER = 4.5, 3.0


def colours() -> dict[str, tuple[float, float]]:
    """The relative luminance of each role's light and dark value."""
    return {m["name"]: (luminance(m["light"]), luminance(m["dark"])) for m in _PAIR.finditer(TOKENS)}


def luminance(oklch: str) -> float:
    """By Ottosson's matrices from OKLCH to linear sRGB, and WCAG's weights."""
    lightness, chroma, hue = (float(part) for part in oklch.split())
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(1.0, max(0.0, part)) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    lighter, darker = max(one, other), min(one, other)
    return (lighter + 0.05) / (darker + 0.05)


def test_black_and_white_are_as_far_apart_as_can_be() -> None:
    assert contrast(luminance("1 0 0"), luminance("0 0 0")) == pytest.approx(21, abs=0.01)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_can_be_read_on_every_ground(text: str, ground: str) -> None:
    known = colours()
    for scheme in (0, 1):
        assert contrast(known[text][scheme], known[ground][scheme]) >= ENOUGH_FOR_TEXT


@pytest.mark.parametrize("ground", ["accent", "danger"])
def test_a_button_can_be_read(ground: str) -> None:
    known = colours()
    for scheme in (0, 1):
        assert contrast(known[f"on-{ground}"][scheme], known[ground][scheme]) >= ENOUGH_FOR_TEXT


@pytest.mark.parametrize("ground", GROUNDS)
def test_the_edge_of_a_field_can_be_seen(ground: str) -> None:
    known = colours()
    for scheme in (0, 1):
        assert contrast(known["edge"][scheme], known[ground][scheme]) >= ENOUGH_FOR_A_BORDER
