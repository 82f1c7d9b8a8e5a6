"""Rows as bytes and back, and the layout of the tables. Pure."""

from __future__ import annotations

from minkang.gateways.frontdb.wire.layout import Column, Shape, Table, layout, sets
from minkang.gateways.frontdb.wire.row import Row, packed, unpacked

__all__ = ["Column", "Row", "Shape", "Table", "layout", "packed", "sets", "unpacked"]
