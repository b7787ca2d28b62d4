"""The root key in a PKCS#11 token (a hardware security module), as an alternative to the key file.

The key is made in the token, sensitive and not extractable, so that no copy of it exists. Its wraps have the form of
FORMAT.md section 3, like those of the key file. A caller who can log in to the token can still use the key: the token
prevents copying, not misuse. A keeper in a cloud service would be a third class with the same two methods.

A session is lost when the token is reset or replaced, or when other code in the process closes it. Each failed operation then
opens a new session, once. If that fails, the library is initialised anew, because SoftHSM and the libraries of network
modules find a token that was away only then. Tokens don't distinguish a wrong wrap from a lost session (SoftHSM answers
`CKR_GENERAL_ERROR` to both). So a wrap counts as wrong only if the same key encrypts correctly afterwards.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, Self

from masking.crypto.keys import NONCE, VERSION, Entropy, root_context
from masking.errors import IntegrityError, RootUnavailableError, SettingsError, not_installed

TAG = 16
REFUSED_PIN = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange", "PinExpired", "PinLocked"})
_LOCK = threading.Lock()
"""Serialises all operations of a process: a session serves one thread, and initialising the library ends all its sessions."""


class Pkcs11KeySource:
    """The root as an AES-256 key that stays in its token. One session, one call at a time."""

    def __init__(self, binding: Any, library: str, find: Callable[[Any], tuple[Any, Any]]) -> None:
        """`find` opens a logged-in session of the loaded library, and finds the key in it."""
        self._binding = binding
        self._path = library
        self._find = find
        self._refused_pin = ""
        self._session, self._key = find(binding.lib(library))

    @classmethod
    def open(cls, library: str, token: str, key: str, pin: str) -> Self:
        """Open the root named `key` in the token named `token`, with the vendor's `library` (a path).

        Raises:
            SettingsError: library, token, PIN or key is wrong, or the key can be read out of the token.
        """
        pkcs11 = _binding()
        try:
            return cls(pkcs11, library, lambda loaded: _found(pkcs11, loaded.get_token(token_label=token), key, pin))
        except pkcs11.PKCS11Error as error:
            raise SettingsError(f"PKCS#11 root: {_word(error)}") from None  # a cause could hold the PIN

    @classmethod
    def create(cls, library: str, token: str, key: str, pin: str) -> Self:
        """Make a root in the token. If a key of that name exists, use it; a key is never replaced.

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
        """Wrap a key for storage, bound to its name.

        Raises:
            RootUnavailableError: the token does not work now, also after its session was opened again.
        """
        nonce = entropy(NONCE)
        sealed = self._call("encrypt", key, nonce, name)
        if sealed is None:
            raise RootUnavailableError("the token does not wrap this key")
        return VERSION + nonce + sealed

    def unwrap(self, name: str, blob: bytes) -> bytes:
        """Unwrap a key; see `KeySource`.

        Raises:
            IntegrityError: the token works, and refuses this wrap.
            RootUnavailableError: the token does not work now, which says nothing about the wrap.
        """
        nonce, sealed = blob[1 : 1 + NONCE], blob[1 + NONCE :]
        key = self._call("decrypt", sealed, nonce, name) if blob[:1] == VERSION and len(sealed) > TAG else None
        if key is None:
            raise IntegrityError(
                "a wrapped key failed authentication: it was changed, or wrapped by another key or under another name"
            )
        return key

    def _call(self, act: Literal["encrypt", "decrypt"], data: bytes, nonce: bytes, name: str) -> bytes | None:
        """Encrypt or decrypt. Returns None if the token works and refuses this input. Opens a lost session again, once."""
        with _LOCK:
            try:
                return self._run(act, data, nonce, name)
            except self._binding.PKCS11Error:
                if self._works():
                    return None
            try:
                self._session, self._key = self._found_again()
                return self._run(act, data, nonce, name)
            except self._binding.PKCS11Error as error:
                if self._works():
                    return None
                raise RootUnavailableError(_word(error)) from None
            except SettingsError as error:  # another key has its name now
                raise RootUnavailableError(str(error)) from None

    def _run(self, act: str, data: bytes, nonce: bytes, name: str) -> bytes:
        how = self._binding.GCMParams(nonce, aad=root_context(name), tag_bits=8 * TAG)
        return bytes(getattr(self._key, act)(data, mechanism=self._binding.Mechanism.AES_GCM, mechanism_param=how))

    def _found_again(self) -> tuple[Any, Any]:
        """Open a new session. A refused PIN is not sent again, since a token locks after a few wrong ones."""
        if self._refused_pin:
            raise RootUnavailableError(self._refused_pin)
        try:
            try:
                return self._find(self._binding.lib(self._path))
            except self._binding.PKCS11Error as error:
                if _word(error) in REFUSED_PIN:
                    raise
                with suppress(self._binding.PKCS11Error):
                    self._binding.lib(self._path).finalize()
                return self._find(self._binding.lib(self._path))  # which initialises it
        except self._binding.PKCS11Error as error:
            if _word(error) in REFUSED_PIN:
                self._refused_pin = f"{_word(error)}; after correcting the PIN restart this program"
            raise

    def _works(self) -> bool:
        """Whether the session can encrypt with the key now. The result is discarded; the token makes the nonce."""
        try:
            self._run("encrypt", bytes(TAG), self._session.generate_random(8 * NONCE), "")
        except self._binding.PKCS11Error:
            return False
        return True


def _binding() -> Any:
    try:
        return importlib.import_module("pkcs11")
    except ImportError as error:
        raise not_installed(error) from error


def _found(pkcs11: Any, token: Any, key: str, pin: str) -> tuple[Any, Any]:
    """A logged-in session, and the key in it.

    Raises:
        SettingsError: the key can be read out of the token.
    """
    session = _logged_in(pkcs11, token, pin)
    try:
        found = session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label=key)
        readable = not found[pkcs11.Attribute.SENSITIVE] or found[pkcs11.Attribute.EXTRACTABLE]
    except pkcs11.PKCS11Error:
        with suppress(pkcs11.PKCS11Error):  # while the key is missing, each attempt would leave a session behind
            session.close()
        raise
    if readable:
        raise SettingsError("PKCS#11 root: the key can be read out of the token; make one that can't")
    return session, found


def _logged_in(pkcs11: Any, token: Any, pin: str, *, rw: bool = False) -> Any:
    try:
        return token.open(user_pin=pin, rw=rw)
    except pkcs11.UserAlreadyLoggedIn:
        return token.open(rw=rw)  # a login counts for the whole process


def _word(error: Exception) -> str:
    return type(error).__name__
