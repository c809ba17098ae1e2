"""Sets one document with typst: its words and amounts as JSON on stdin, the PDF on stdout.

A process of its own per document (`rendering.py` starts it): typst keeps what it has computed, and the invoices of one
month would leave a service 250 MB larger than it was. It imports nothing of ours, so that it starts at once.
"""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import typst

TEMPLATES = Path(__file__).parent / "templates"
FONT = "Inter"


class FontMissing(RuntimeError):
    """Typst sets a text without its font as blanks, and says nothing."""


def typeset(printed: dict[str, Any]) -> bytes:
    """Deterministic: the same words and amounts give the same bytes, whenever and wherever they are set."""
    return typst.compile(
        str(TEMPLATES / "document.typ"),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        sys_inputs={"document": json.dumps(printed)},
        format="pdf",
        timestamp=printed["instant"],
    )


@cache
def _fonts() -> typst.Fonts:
    """Ours alone: what the machine has installed would change the bytes."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(TEMPLATES / "fonts")])
    if FONT not in fonts.families():
        raise FontMissing(f"templates/fonts holds no {FONT}")
    return fonts


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(json.load(sys.stdin)))
