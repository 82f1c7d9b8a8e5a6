"""Bytes of a file to a table of text, and a table to a file that is safe to open. Pure, and bounded."""

from minkang.gateways.files.wire.reading import Table, read
from minkang.gateways.files.wire.writing import written

__all__ = ["Table", "read", "written"]
