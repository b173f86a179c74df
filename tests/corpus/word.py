"""Word documents as tests of the corpus room need them."""

import io
import zipfile


def docx(body: str, about: bool = True) -> bytes:
    """A Word document with these paragraphs in its own markup."""
    spaces = (
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    )
    core = (
        '<c:coreProperties xmlns:c="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://purl.org/dc/terms/"><dc:title>Talks</dc:title>'
        "<dc:creator>Ann Lee</dc:creator><t:created>2024-07-29T20:02:13Z</t:created></c:coreProperties>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f"<w:document {spaces}><w:body>{body}</w:body></w:document>")
        if about:
            archive.writestr("docProps/core.xml", core)
    return out.getvalue()
