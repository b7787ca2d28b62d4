"""Finds or makes the device key for a one-time code.

A key is made only for a new code. The service accepts only the device that used the code first, so that a second key for the
same code would be refused. Therefore a lost key is reported here, where the reason is known.
"""

from __future__ import annotations

from hashlib import sha256

from masking.client.credentials import Credentials
from masking.client.device import Device, make_key
from masking.client.state import StateFolder
from masking.disk import replace
from masking.errors import SettingsError


def enrolled_device(credentials: Credentials, state: StateFolder) -> Device:
    """The device whose key is next to the credentials or in the state folder. A new code gets a new key.

    `NAME.enrolled` holds a digest of the last code that got a key.

    Raises:
        SettingsError: the key of a used code is missing, a file can't be read or written, or others can read it.
    """
    code = credentials.code.reveal() if credentials.code else ""
    digest = sha256(code.encode()).hexdigest().encode()
    note, key = state.path(".enrolled"), credentials.path.with_suffix(".key")
    with state.locked(), state.writing():
        known = note.exists() and note.read_bytes() == digest
        key = key if key.exists() else state.path(".key")
        if not key.exists():
            if known:
                raise SettingsError(
                    f"{key.name}, the device key of {credentials.path.name}, is missing, and the service lets no other device "
                    f"in with this code. Restore the file, or ask a supervisor for a new code and write it into "
                    f"{credentials.path.name}."
                )
            make_key(key)
        if not known:
            replace(note, digest)
    return Device.of_file(key)
