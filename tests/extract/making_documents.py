"""Small Word documents and PDF files, made by hand for tests."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SPACES = (
    f'xmlns:w="{_W}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
)
_OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_TYPES = {
    "word/document.xml": f"{_OFFICE}.document.main+xml",
    "word/styles.xml": f"{_OFFICE}.styles+xml",
    "word/numbering.xml": f"{_OFFICE}.numbering+xml",
    "word/footnotes.xml": f"{_OFFICE}.footnotes+xml",
    "word/endnotes.xml": f"{_OFFICE}.endnotes+xml",
    "word/comments.xml": f"{_OFFICE}.comments+xml",
    "word/header1.xml": f"{_OFFICE}.header+xml",
    "docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
}
STYLES = """<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H2"/></w:style>
<w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="C"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="K"><w:name w:val="Source Code"/></w:style>
<w:style w:type="paragraph" w:styleId="B"><w:name w:val="List Bullet"/>
<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>"""
_LEVEL = '<w:lvl w:ilvl="{}"><w:start w:val="1"/><w:numFmt w:val="{}"/></w:lvl>'
NUMBERING = f"""<w:abstractNum w:abstractNumId="0">{_LEVEL.format(0, "bullet")}</w:abstractNum>
<w:abstractNum w:abstractNumId="1">{_LEVEL.format(0, "decimal")}{_LEVEL.format(1, "lowerLetter")}
</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="1"/>
<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>"""


def run(text: str, properties: str = "") -> str:
    """A run of text."""
    rest = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{rest}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(text: str, style: str = "", item: tuple[int, int] | None = None) -> str:
    """A paragraph; `text` may be runs. item: list and level."""
    inner = text if "<" in text else run(text)
    properties = f'<w:pStyle w:val="{style}"/>' if style else ""
    if item is not None:
        number, level = item
        properties += f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def table(*rows: Sequence[str]) -> str:
    """A table of cells with one paragraph each; a cell may be XML of its own."""
    made = ""
    for row in rows:
        cells = (cell if cell.startswith("<w:") else paragraph(cell) for cell in row)
        made += "<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr>"
    return f"<w:tbl>{made}</w:tbl>"


def docx(body: str, parts: Mapping[str, str] | None = None, core: str = "") -> bytes:
    """A Word document. parts: more parts, by their names in the package."""
    inner = {
        "word/document.xml": f"<w:document {_SPACES}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {_SPACES}>{STYLES}</w:styles>",
        "word/numbering.xml": f"<w:numbering {_SPACES}>{NUMBERING}</w:numbering>",
        "docProps/core.xml": f"<cp:coreProperties {_SPACES}>{core}</cp:coreProperties>",
    }
    for name, text in (parts or {}).items():
        root = name.split("/")[1].removesuffix(".xml").rstrip("1")
        root = "hdr" if root == "header" else root
        inner[name] = text if text.startswith("<?") else f"<w:{root} {_SPACES}>{text}</w:{root}>"
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{_TYPES[name]}"/>' for name in inner
    )
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    whole = {"[Content_Types].xml": f'<Types xmlns="{types}">{overrides}</Types>', **inner}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in whole.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


Placed = tuple[float, float, float, str]  # x, y, size, text


def pdf(
    pages: Sequence[Sequence[Placed] | bytes],
    info: Mapping[str, str] | None = None,
    outline: Sequence[tuple[str, int]] = (),
    more: str = "",
    locked: bool = False,
) -> bytes:
    """A PDF file whose pages show texts in Helvetica (or Courier for sizes below 0), or a drawing
    of their own where they are bytes. outline: title and page, from 0. more: of the catalog.
    locked: with a password that nobody knows."""
    objects: list[bytes] = []

    def add(data: bytes | str) -> int:
        objects.append(data.encode("latin-1") if isinstance(data, str) else data)
        return len(objects)

    catalog, tree = add(""), add("")
    fonts = [
        add(f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
        for name in ("Helvetica", "Courier")
    ]
    kids = []
    for page in pages:
        drawing = page if isinstance(page, bytes) else b"\n".join(map(_shown, page))
        packed = zlib.compress(drawing)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
        stream = add(head + packed + b"\nendstream")
        resources = f"<< /Font << /F1 {fonts[0]} 0 R /F2 {fonts[1]} 0 R >> >>"
        kids.append(
            add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] "
                f"/Contents {stream} 0 R /Resources {resources} >>"
            )
        )
    rest = more
    if outline:
        root = add("")
        entries = [len(objects) + 1 + number for number in range(len(outline))]
        for number, (title, page) in enumerate(outline):
            before = f"/Prev {entries[number - 1]} 0 R" if number else ""
            after = f"/Next {entries[number + 1]} 0 R" if number + 1 < len(entries) else ""
            add(
                f"<< /Title ({title}) /Parent {root} 0 R {before} {after} "
                f"/Dest [{kids[page]} 0 R /Fit] >>"
            )
        count = len(entries)
        objects[root - 1] = (
            f"<< /First {entries[0]} 0 R /Last {entries[-1]} 0 R /Count {count} >>".encode()
        )
        rest += f" /Outlines {root} 0 R"
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[tree - 1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{listed}] >>".encode()
    objects[catalog - 1] = f"<< /Type /Catalog /Pages {tree} 0 R {rest} >>".encode("latin-1")
    told = add("<< " + " ".join(f"/{k} ({v})" for k, v in (info or {}).items()) + " >>")
    out, offsets = b"%PDF-1.5\n", []
    for number, data in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + data + b"\nendobj\n"
    begin = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    lock = f"/O <{'41' * 32}> /U <{'42' * 32}>"
    lock = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 {lock} >> /ID [<00> <00>]"
    rest = lock if locked else ""
    trailer = f"<< /Size {len(objects) + 1} /Root {catalog} 0 R /Info {told} 0 R {rest} >>"
    return out + f"trailer\n{trailer}\nstartxref\n{begin}\n%%EOF\n".encode()


def _shown(placed: Placed) -> bytes:
    x, y, size, text = placed
    font = "F2" if size < 0 else "F1"
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{font} {abs(size)} Tf {x} {y} Td ({escaped}) Tj ET".encode("cp1252")


def written(lines: Sequence[str], top: float = 760, size: float = 11) -> list[Placed]:
    """Lines below one another at the usual distance; an empty one leaves room."""
    found, y = [], top
    for line in lines:
        if line:
            found.append((72.0, y, size, line))
        y -= 1.2 * abs(size)
    return found
