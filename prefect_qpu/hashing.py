"""Content hashes and derived seeds that are the same in every process and on every platform."""

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def canonical_json(value: Any) -> str:
    """The one JSON text of ``value``: sorted keys, no spaces, no NaN.

    Example:
        >>> canonical_json({"b": 1, "a": [1.5, None]})
        '{"a":[1.5,null],"b":1}'
    """
    return _ENCODER.encode(value)


def content_hash(value: Any) -> str:
    """SHA-256 of bytes, or of the canonical JSON of anything else, as 64 hexadecimal digits.

    Example:
        >>> content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1})
        True
    """
    raw = value if isinstance(value, bytes) else canonical_json(value).encode()
    return hashlib.sha256(raw).hexdigest()


def derive_seed(seed: int, purpose: str) -> int:
    """A seed from 0 to 2**31 - 1 for one purpose, independent of the seeds of other purposes.

    Example:
        >>> derive_seed(7, "smoke") == derive_seed(7, "smoke") != derive_seed(7, "pilot")
        True
    """
    return int(content_hash([seed, purpose])[:8], 16) >> 1
