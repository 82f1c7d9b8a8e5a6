"""Bytes to message and back: MLLP frames, character sets, segments, escapes, acknowledgements. Pure."""

from __future__ import annotations

from minkang.gateways.hl7v2.wire.answer import Fault, answer
from minkang.gateways.hl7v2.wire.frames import Cut, Frames, framed
from minkang.gateways.hl7v2.wire.message import Message, Segment, Unreadable, parse

__all__ = ["Cut", "Fault", "Frames", "Message", "Segment", "Unreadable", "answer", "framed", "parse"]
