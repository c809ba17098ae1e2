"""The bytes of a document over HTTP: the same that were mailed."""

from litestar import Response

from services.billing.commands.documents import PDF
from services.billing.models import Document


def download(document: Document) -> Response[bytes]:
    """Named by its number; the tag is the hash of the bytes, which never change."""
    return Response(
        document.content,
        media_type=PDF,
        headers={
            "Content-Disposition": f'inline; filename="{document.file_name}"',
            "ETag": f'"{document.sha256}"',
            "Cache-Control": "private, max-age=31536000, immutable",
        },
    )
