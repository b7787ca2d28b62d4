"""Checks an order out twice through the generated client, without and with a proof: `call.py URL KEY_FILE < TOKEN`."""

import sys
import time
from pathlib import Path

import httpx
from generated.client import AuthenticatedClient
from use import sent

from masking.client import Device

url, key_file = sys.argv[1:]
token, device = sys.stdin.read(), Device.of_file(Path(key_file))


def sign(request: httpx.Request) -> None:
    """Replace the parameter `DPoP` by a proof over the bytes that are sent."""
    proof = device.proof(request.method, str(request.url), at=time.time(), body=request.content, token=token)
    request.headers["DPoP"] = proof


for hooks in ([], [sign]):
    client = AuthenticatedClient(
        base_url=url, token=token, prefix="DPoP", httpx_args={"event_hooks": {"request": hooks}}
    )
    print(sent(client, proof="none"))
