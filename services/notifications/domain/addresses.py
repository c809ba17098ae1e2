"""Addresses and names as they may stand in a mail's head."""

import hashlib
import re
import unicodedata

_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f@\"(),:;<>\[\\\]]{1,64}")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
LONGEST_ADDRESS = 254
LONGEST_NAME = 200


def normalised(address: str) -> str:
    """One spelling per mailbox: trimmed, composed (NFC) and lower-case. Real servers fold the local part's case too."""
    return unicodedata.normalize("NFC", address.strip()).lower()


def address_hash(address: str) -> str:
    """SHA-256 in hex of the normalised address: tells sameness after the address itself was erased."""
    return hashlib.sha256(normalised(address).encode("utf-8", "surrogatepass")).hexdigest()


def is_deliverable(address: str) -> bool:
    """Whether a server could be asked for it: one mailbox, a domain of two labels, nothing that breaks a line."""
    local, at, domain = address.strip().rpartition("@")
    if not at or len(address) > LONGEST_ADDRESS or not _encodes(address):
        return False
    if _LOCAL.fullmatch(local) is None or local.startswith(".") or local.endswith(".") or ".." in local:
        return False
    labels = domain.split(".")
    return len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)


def _encodes(text: str) -> bool:
    """A lone surrogate has no bytes."""
    return all(not 0xD800 <= ord(character) <= 0xDFFF for character in text)


def one_line(text: str, longest: int = LONGEST_NAME) -> str:
    """Text for a header: whatever could break a line or hide in one (controls, line separators, lone surrogates,
    marks that turn the direction of writing) becomes a space, and spaces become one.
    """
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or _turns(c) else c for c in text)
    return " ".join(visible.split())[:longest]


def _turns(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
