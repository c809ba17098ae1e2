"""Scripts, styles, fonts and icons as `make assets` has bundled them, each named by its content."""

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import PathParameter
from markupsafe import Markup

from chassis.errors import NotFound
from chassis.http.auth import public

STATIC = Path(__file__).parent / "static"
PREFIX = "/console/assets"
FOREVER = "public, max-age=31536000, immutable"
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
_TEXTS = frozenset({".js", ".css"})


class AssetsMissing(Exception):
    """The bundle was never built."""


@dataclass(frozen=True)
class Asset:
    content: bytes
    media_type: str
    zipped: bytes | None


@cache
def assets() -> "Assets":
    return Assets(STATIC)


class Assets:
    def __init__(self, directory: Path) -> None:
        try:
            self._names: dict[str, str] = json.loads((directory / "manifest.json").read_text())
        except FileNotFoundError:
            raise AssetsMissing(f"{directory} holds no bundle: run `make assets`") from None
        self._icons: dict[str, str] = json.loads((directory / self._names["icons.json"]).read_text())
        self._files = {file.name: _read(file) for file in directory.iterdir() if file.suffix in _MEDIA_TYPES}

    def url(self, name: str) -> str:
        """Where `console.js`, `style.css` and the like are."""
        return f"{PREFIX}/{self._names[name]}"

    def icon(self, name: str) -> Markup:
        """For the eye alone: what it says stands beside it as text."""
        return Markup(  # noqa: S704  # of the bundle
            f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{self._icons[name]}</svg>'
        )

    def find(self, file_name: str) -> Asset:
        return NotFound.unless(self._files.get(file_name), "there is no such file")


def _read(file: Path) -> Asset:
    content = file.read_bytes()
    return Asset(content, _MEDIA_TYPES[file.suffix], gzip.compress(content) if file.suffix in _TEXTS else None)


@get(
    PREFIX + "/{file_name:str}",
    guards=[public("the same for everyone, and holds nothing of anyone's")],
    include_in_schema=False,
)
async def serve_asset(
    file_name: Annotated[str, PathParameter(max_length=100)], request: Request[Any, Any, Any]
) -> Response[bytes]:
    asset = assets().find(file_name)
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    if asset.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.zipped, media_type=asset.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)
