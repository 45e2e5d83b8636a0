"""What a password must be, and how it is kept: as an argon2id hash, never as it was typed."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from layers.labels import Text

LONGEST = 256
"""Longer ones are refused before they are hashed."""
# Words that the lists of leaked passwords begin with; digits and marks around them help little.
COMMON = frozenset(
    [
        "password",
        "passwd",
        "pass",
        "word",
        "admin",
        "administrator",
        "root",
        "user",
        "guest",
        "test",
        "welcome",
        "letmein",
        "login",
        "qwerty",
        "qwertyuiop",
        "asdfgh",
        "asdfghjkl",
        "zxcvbn",
        "zxcvbnm",
        "abc",
        "abcd",
        "abcdef",
        "abcabc",
        "iloveyou",
        "monkey",
        "dragon",
        "master",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "shadow",
        "superman",
        "batman",
        "trustno",
        "hello",
        "secret",
        "changeme",
        "default",
        "system",
        "oracle",
        "manager",
        "server",
        "huawei",
        "china",
        "beijing",
        "shanghai",
        "woaini",
        "mima",
        "mimashi",
        "woaizuguo",
        "zhongguo",
        "taobao",
        "wang",
        "li",
        "zhang",
        "onemap",
        "yizhangtu",
    ]
)
_LOOKS_LIKE = str.maketrans("@4310$57!", "aaeiossti")
_WRITTEN = "0123456789abcdefghijklmnopqrstuvwxyzqwertyuiopasdfghjklzxcvbnm"


@dataclass(frozen=True)
class PasswordRules:
    """What is asked of a password.

    Attributes
    ----------
    length : characters at least.
    classes : of upper case, lower case, digits and everything else, so many at least.
    passphrase : from this length on the classes are not asked for.
    remembered : so many former passwords may not come again.
    """

    length: int = 10
    classes: int = 3
    passphrase: int = 20
    remembered: int = 5


def classes_of(password: str) -> int:
    """Return how many kinds of characters a password has: upper, lower, digit, other."""
    kinds = {
        "upper" if c.isupper() else "lower" if c.islower() else "digit" if c.isdigit() else "other"
        for c in password
    }
    return len(kinds)


def faults(password: str, names: Iterable[str], rules: PasswordRules) -> list[Text]:
    """Return why a password may not be taken, each reason in words; none when it may.

    Parameters
    ----------
    names : what the account is called: a password may not hold any of it.
    """
    found = []
    if len(password) < rules.length:
        found.append(
            Text(
                f"至少 {rules.length} 个字符，现为 {len(password)} 个",
                f"at least {rules.length} characters are needed; it has {len(password)}",
            )
        )
    if len(password) > LONGEST:
        found.append(Text(f"至多 {LONGEST} 个字符", f"at most {LONGEST} characters are taken"))
    if len(password) < rules.passphrase and classes_of(password) < rules.classes:
        found.append(
            Text(
                f"须含大写、小写、数字、符号中的至少 {rules.classes} 类，"
                f"或长达 {rules.passphrase} 个字符",
                f"at least {rules.classes} of upper case, lower case, digits and others are "
                f"needed, or {rules.passphrase} characters",
            )
        )
    folded = _folded(password)
    if any(len(name) >= 3 and _folded(name) in folded for name in names):
        found.append(Text("不可含账号名", "it may not hold the account's name"))
    if is_common(password):
        found.append(Text("过于常见，容易被猜到", "it is common and easily guessed"))
    return found


def is_common(password: str) -> bool:
    """Whether a password is a common word with trimmings, few characters, or a row of keys."""
    folded = _folded(password)
    if len(set(folded)) <= 3:
        return True
    core = re.sub(r"[^a-z]", "", re.sub(r"^[\d\W_]+|[\d\W_]+$", "", folded).translate(_LOOKS_LIKE))
    if core in COMMON or re.sub(r"[^a-z]", "", folded.translate(_LOOKS_LIKE)) in COMMON:
        return True
    return len(folded) >= 4 and (folded in _WRITTEN or folded in _WRITTEN[::-1])


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    # The library's own parameters: RFC 9106's second choice, 64 MiB and three passes.
    return PasswordHasher()


def hashed(password: str) -> str:
    """Return the argon2id hash of a password, with its salt and parameters."""
    return _hasher().hash(unicodedata.normalize("NFKC", password))


def matches(password: str, kept: str) -> bool:
    """Whether a password is the one that was kept; takes tens of milliseconds either way."""
    try:
        return _hasher().verify(kept, unicodedata.normalize("NFKC", password))
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether a hash was made with weaker parameters than are in use now."""
    return _hasher().check_needs_rehash(kept)


@lru_cache(maxsize=1)
def nobodys() -> str:
    """Return the hash of a password that nobody has: what is compared where there is no account."""
    return hashed(secrets.token_urlsafe(32))


def invented() -> str:
    """Return a random password of 100 bits that satisfies the rules, without look-alikes."""
    letters = "abcdefghijkmnpqrstuvwxyz"
    alphabet = letters + letters.upper() + "23456789"
    while True:
        parts = ["".join(secrets.choice(alphabet) for _ in range(6)) for _ in range(3)]
        made = "-".join(parts)
        if classes_of(made) == 4 and not is_common(made):
            return made
