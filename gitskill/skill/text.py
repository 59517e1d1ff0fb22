"""A text file as lines, such that reading and writing it back changes no byte."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Text:
    """Lines without their newline; a carriage return stays part of its line.

    Whether the file ends with a newline is an attribute of the file, not a
    line: otherwise every two lessons that append to a file would clash.
    """

    lines: tuple[str, ...]
    ends: bool = True
    """The last line ends with a newline. True for an empty file."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Split `data`; bytes that are not UTF-8 survive as lone surrogates."""
        text = data.decode("utf-8", "surrogateescape")
        if not text:
            return cls((), ends=True)
        ends = text.endswith("\n")
        return cls(tuple((text[:-1] if ends else text).split("\n")), ends)

    def encode(self) -> bytes:
        """Give back the bytes that `parse` read."""
        return str(self).encode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        return "\n".join(self.lines) + ("\n" if self.lines and self.ends else "")

    @property
    def crlf(self) -> bool:
        """Most lines end with a carriage return, so new lines should too."""
        return sum(line.endswith("\r") for line in self.lines) * 2 > len(self.lines)
