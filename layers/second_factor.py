"""The second factor: one-time codes (TOTP, RFC 6238), their secrets encrypted where they lie.

The key stands in a file outside the database, so that a copy of the database alone gives nobody
a valid code.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path

import pyotp
from cryptography.fernet import Fernet, InvalidToken

STEP_S = 30
WINDOW = 1
"""Clocks may be apart by so many steps."""


class Keys:
    """The key with which secrets are encrypted.

    Parameters
    ----------
    path : its file, made with a new key where it is missing and something is to be encrypted.
        None keeps a key in memory alone: what is encrypted with it ends with the process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._fernet: Fernet | None = Fernet(Fernet.generate_key()) if path is None else None

    def ensure(self) -> None:
        """Make the file where it is missing: whoever copies the keys finds it from the start.

        Raises
        ------
        OSError : it cannot be made or read.
        """
        self._key(make=True)

    def encrypt(self, secret: str) -> str:
        """Return a secret as it may be kept."""
        return self._key(make=True).encrypt(secret.encode()).decode()

    def decrypt(self, kept: str, age_s: int | None = None) -> str | None:
        """Return the secret again; None when it was encrypted with another key.

        Parameters
        ----------
        age_s : or longer ago than so many seconds.
        """
        try:
            return self._key(make=False).decrypt(kept.encode(), age_s).decode()
        except (InvalidToken, FileNotFoundError, ValueError):
            return None

    def _key(self, *, make: bool) -> Fernet:
        if self._fernet is None:
            assert self.path is not None
            if make and not self.path.exists():
                _write_new(self.path)
            self._fernet = Fernet(self.path.read_bytes().strip())
        return self._fernet


def _write_new(path: Path) -> None:
    """Write a key into a file that only its owner reads; who comes second uses the first's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, Fernet.generate_key() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)
    # A link is made whole or not at all.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def new_secret() -> str:
    """Return a fresh secret of 160 bits, in base 32."""
    return pyotp.random_base32()


def uri(secret: str, login: str, issuer: str) -> str:
    """Return the ``otpauth://`` address that an authenticator app reads from a picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def step_of(secret: str, code: str, now: datetime, after: int | None) -> int | None:
    """Return the time step of a code that is right and was not used yet; None: it is not.

    Parameters
    ----------
    after : the step of the last code that was used: that one and those before are not taken.
    """
    given = code.replace(" ", "")
    made, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP_S
    for step in range(present - WINDOW, present + WINDOW + 1):
        right = pyotp.utils.strings_equal(made.generate_otp(step), given)
        if right and (after is None or step > after):
            return step
    return None
