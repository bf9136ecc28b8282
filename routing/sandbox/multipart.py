"""Forms with files (RFC 7578), read from a body that is already bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser

__all__ = ["Part", "boundary_of", "parse"]

MOST_PARTS = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; a file has a filename."""

    name: str
    filename: str | None
    content_type: str
    data: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The field as text."""
        return self.data.decode("utf-8", "replace")


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a `multipart/form-data` content type; None if it is something else."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        return None
    return boundary.encode("latin-1", "replace")


def parse(body: bytes, boundary: bytes) -> list[Part]:
    """The fields in their order; `ValueError` for a form that is cut off or not one."""
    first, *chunks = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not chunks or not chunks[-1].startswith(b"--") or first.strip():
        raise ValueError("the form has no end")
    if len(chunks) > MOST_PARTS:
        raise ValueError(f"the form has more than {MOST_PARTS} fields")
    return [_part(chunk) for chunk in chunks[:-1]]


def _part(chunk: bytes) -> Part:
    head, blank, data = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = HeaderParser().parsestr(head.decode("utf-8", "replace"))
    name = headers.get_param("name", header="content-disposition")
    filename = headers.get_param("filename", header="content-disposition")
    if not blank or not isinstance(name, str):
        raise ValueError("a field of the form has no name")
    kind = headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    return Part(name, filename if isinstance(filename, str) else None, kind, data)
