"""Which characters the bytes are. MSH-18 is asked first and not believed: hospitals send GBK and say UTF-8, or nothing.

Text is decoded before it is cut, because the second byte of a GBK character may be `|`, `^`, `\\` or `~`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

UTF8, GB18030 = "utf-8", "gb18030"

# HL7 table 0211 (http://terminology.hl7.org/CodeSystem/v2-0211), and what is written in its stead. GB 18030 holds GBK
# and GB 2312, so that one decoder reads all three.
_NAMES = {
    "UNICODE UTF-8": UTF8,
    "UTF-8": UTF8,
    "UTF8": UTF8,
    "UNICODE": UTF8,
    "GB 18030-2000": GB18030,
    "GB18030": GB18030,
    "GBK": GB18030,
    "GB2312": GB18030,
    "CP936": GB18030,
    "ASCII": "ascii",
    "8859/1": "latin-1",
    "ISO-8859-1": "latin-1",
}
_CJK = re.compile("[\u2e80-\U0003ffff]")


class Text(NamedTuple):
    """`claimed`: what MSH-18 says. `broken`: some bytes are of no character set we know; they stand as U+FFFD."""

    text: str
    charset: str
    claimed: str
    lied: bool = False
    broken: bool = False


def decoded(content: bytes) -> Text:
    """The text of a message and how it was found. Never raises."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    claimed = _claimed(content)
    if content.isascii():
        return Text(content.decode("ascii"), _NAMES.get(claimed, UTF8), claimed)
    said = _NAMES.get(claimed)
    as_utf8 = _try(content, UTF8)
    if as_utf8 is not None and (said != GB18030 or _CJK.search(as_utf8)):
        # Chinese in UTF-8 is rarely anything else; the few GBK words that are valid UTF-8 (联通) give no Chinese in it.
        return Text(as_utf8, UTF8, claimed, lied=said not in (None, UTF8))
    if said == "latin-1" and not _looks_gb(content):
        return Text(content.decode("latin-1"), "latin-1", claimed)
    as_gb = _try(content, GB18030)
    if as_gb is not None:
        return Text(as_gb, GB18030, claimed, lied=said not in (None, GB18030))
    return Text(content.decode(said if said == GB18030 else UTF8, "replace"), said or UTF8, claimed, broken=True)


def _claimed(content: bytes) -> str:
    head = re.split(rb"[\r\n]", content[:4000], maxsplit=1)[0]
    fields = head.split(head[3:4]) if len(head) > 3 else []
    first = re.split(rb"[~^]", fields[17], maxsplit=1)[0] if len(fields) > 17 else b""
    return first.decode("ascii", "replace").strip().upper()


def _try(content: bytes, charset: str) -> str | None:
    try:
        return content.decode(charset)
    except UnicodeDecodeError:
        return None


def _looks_gb(content: bytes) -> bool:
    """Two high bytes after each other, everywhere: Chinese; in western text they stand alone."""
    high = len(re.findall(rb"[\x80-\xff]", content))
    pairs = len(re.findall(rb"[\xa1-\xfe]{2}", content))
    return pairs * 2 >= high * 0.8
