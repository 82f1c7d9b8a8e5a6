"""Bytes to clinical documents: the XML of one, a ZIP of many. Pure, and safe on hostile input."""

from minkang.gateways.cda.wire.archive import Member, is_archive, members
from minkang.gateways.cda.wire.document import V3, Element, read

__all__ = ["V3", "Element", "Member", "is_archive", "members", "read"]
