"""The root in a PKCS#11 token (a hardware security module): the second keeper beside the key file.

The key is made in the token, sensitive and not extractable, so that no copy of it exists; what it wraps has the form of
FORMAT.md section 3, as the key file's wraps have. Whoever can log in to the token can still use it: it ends copying, not
misuse. A keeper in a cloud service is a third class with the same two methods.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any, Self

from masking.crypto.keys import NONCE, VERSION, Entropy, root_context
from masking.errors import IntegrityError, SettingsError, UnavailableError, not_installed

TAG = 16


class Pkcs11KeySource:
    """The root as an AES-256 key that stays in its token. One session, one call at a time."""

    def __init__(self, library: Any, session: Any, key: Any) -> None:
        self._library = library
        self._session = session
        self._key = key
        self._lock = threading.Lock()  # a PKCS#11 session serves one thread

    @classmethod
    def open(cls, library: str, token: str, key: str, pin: str) -> Self:
        """The root named `key` in the token named `token`, by the vendor's `library` (a path).

        Raises:
            SettingsError: library, token, PIN or key is not what is there, or the key could be read out of the token.
        """
        pkcs11 = _binding()
        try:
            loaded = pkcs11.lib(library)
            session = _logged_in(pkcs11, loaded.get_token(token_label=token), pin)
            found = session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label=key)
            readable = not found[pkcs11.Attribute.SENSITIVE] or found[pkcs11.Attribute.EXTRACTABLE]
        except pkcs11.PKCS11Error as error:
            raise SettingsError(f"PKCS#11 root: {_word(error)}") from None  # a cause could hold the PIN
        if readable:
            raise SettingsError("PKCS#11 root: the key can be read out of the token; make one that can't")
        return cls(pkcs11, session, found)

    @classmethod
    def create(cls, library: str, token: str, key: str, pin: str) -> Self:
        """A new root in the token; or the one that has that name already, which is never replaced.

        Raises:
            SettingsError: see `open`.
        """
        pkcs11 = _binding()
        flags = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
        try:
            session = _logged_in(pkcs11, pkcs11.lib(library).get_token(token_label=token), pin, rw=True)
            if not list(session.get_objects({pkcs11.Attribute.LABEL: key})):
                session.generate_key(pkcs11.KeyType.AES, 256, label=key, store=True, template=flags)
        except pkcs11.PKCS11Error as error:
            raise SettingsError(f"PKCS#11 root: {_word(error)}") from None
        return cls.open(library, token, key, pin)

    def wrap(self, name: str, key: bytes, entropy: Entropy) -> bytes:
        """A key as it may be stored, bound to its name.

        Raises:
            UnavailableError: the token did not answer.
        """
        nonce = entropy(NONCE)
        try:
            return VERSION + nonce + self._call(self._key.encrypt, key, nonce, name)
        except self._library.PKCS11Error as error:
            raise UnavailableError(f"PKCS#11 root: {_word(error)}") from None

    def unwrap(self, name: str, blob: bytes) -> bytes:
        """The key inside; see `KeySource`.

        Raises:
            IntegrityError: the token refused it. It does not say whether of the wrap or of its own state.
        """
        nonce, sealed = blob[1 : 1 + NONCE], blob[1 + NONCE :]
        if blob[:1] == VERSION and len(sealed) > TAG:
            try:
                return self._call(self._key.decrypt, sealed, nonce, name)
            except self._library.PKCS11Error:
                pass
        raise IntegrityError("a wrapped key is not what was wrapped there, or the token is gone")

    def _call(self, act: Callable[..., bytes], data: bytes, nonce: bytes, name: str) -> bytes:
        how = self._library.GCMParams(nonce, aad=root_context(name), tag_bits=8 * TAG)
        with self._lock:
            return bytes(act(data, mechanism=self._library.Mechanism.AES_GCM, mechanism_param=how))


def _binding() -> Any:
    try:
        return importlib.import_module("pkcs11")
    except ImportError as error:
        raise not_installed(error) from error


def _logged_in(pkcs11: Any, token: Any, pin: str, *, rw: bool = False) -> Any:
    try:
        return token.open(user_pin=pin, rw=rw)
    except pkcs11.UserAlreadyLoggedIn:
        return token.open(rw=rw)  # a login counts for the whole process


def _word(error: Exception) -> str:
    return type(error).__name__
