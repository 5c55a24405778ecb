"""Client keys that the proxy's own tool makes: a prefix, 256 random bits and a checksum, so that a typo shows.

The checksum is no protection: whoever makes a key up can make its checksum up. It spares a look-up.
"""

import hashlib
from zlib import crc32

PREFIX = "sk-azp1-"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# 62 ** 43 is more than 2 ** 256, and 62 ** 6 more than 2 ** 32.
_LENGTH, _CHECKSUM_LENGTH = 43, 6
RANDOM_BYTES = 32
# Characters of a key without a checksum; with 24 random letters and digits it has more than 128 bits.
SHORTEST = 24


def make_key(random: bytes) -> str:
    """Return a key made of 32 random bytes."""
    body = PREFIX + _encode(int.from_bytes(random, "big"), _LENGTH)
    return body + _checksum(body)


def is_mistyped(key: str) -> bool:
    """Tell whether a key with the prefix cannot have been made by `make_key`."""
    body, checksum = key[:-_CHECKSUM_LENGTH], key[-_CHECKSUM_LENGTH:]
    return len(key) != len(PREFIX) + _LENGTH + _CHECKSUM_LENGTH or not key.isascii() or checksum != _checksum(body)


def is_weak(key: str) -> bool:
    """Tell whether a key is too short to be a good one."""
    return len(key) < SHORTEST


def digest_of(key: str) -> str:
    """Return the SHA-256 digest of a key, as the tag of a secret has it."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _checksum(body: str) -> str:
    return _encode(crc32(body.encode()), _CHECKSUM_LENGTH)


def _encode(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
