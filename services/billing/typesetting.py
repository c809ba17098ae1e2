"""Sets one document with typst: its words and amounts as JSON on stdin, the PDF on stdout.

A process of its own per document (`rendering.py` starts it): typst keeps what it has computed, and the invoices of one
month would leave a service 250 MB larger than it was. It imports nothing of ours, so that it starts at once.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import font_source_sans_pro
import typst

TEMPLATES = Path(__file__).parent / "templates"
FONT = "Source Sans Pro"
FACES = ("SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf")
"""By name: the package has each face in two formats, and which one is found first must not depend on the machine."""


class FontMissing(RuntimeError):
    """Typst sets a text without its font as blanks, and says nothing."""


def typeset(printed: dict[str, Any]) -> bytes:
    """Deterministic: the same words and amounts give the same bytes, whenever and wherever they are set."""
    # Typst takes a directory of fonts; it stays until the document is set, as a face is read when a text asks for it.
    with TemporaryDirectory() as faces:
        return typst.compile(
            str(TEMPLATES / printed.get("template", "document.typ")),
            root=str(TEMPLATES),
            font_paths=_fonts(Path(faces)),
            sys_inputs={"document": json.dumps(printed)},
            format="pdf",
            timestamp=printed["instant"],
        )


def _fonts(directory: Path) -> typst.Fonts:
    """Those of the pinned package alone: what the machine has installed would change the bytes."""
    files = Path(font_source_sans_pro.__file__).parent / "files"
    for face in FACES:
        (directory / face).symlink_to(files / face)
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(directory)])
    if FONT not in fonts.families():
        raise FontMissing(f"the package font-source-sans-pro holds no {FONT}")
    return fonts


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(json.load(sys.stdin)))
