"""Which device key belongs to a one-time code: made when the code is new, and never silently made again.

The service lets in only the device that used the code first. A key that is made after the first one was lost is
refused, so a lost key has to be named here, where the reason is known.
"""

from __future__ import annotations

from hashlib import sha256

from masking.client.credentials import Credentials
from masking.client.device import Device, make_key
from masking.client.state import StateFolder
from masking.disk import replace
from masking.errors import SettingsError


def enrolled_device(credentials: Credentials, state: StateFolder) -> Device:
    """The device whose key lies next to the credentials or in the state folder; its key is made for a new code.

    `NAME.enrolled` keeps a digest of the last code that has a key, so that a new code in the same file gets a new key.

    Raises:
        SettingsError: the key is gone although this code was used with one, it can't be read or written, or others can
            read it.
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
