"""A backend that tells what reached it: the dyno ``echo`` of the attack table. ``python3 echo.py PORT``.

It says as much as it can that a proxy must hide or mend (its version, redirects to wherever the path says), so that
what is missing from a reply was taken away by the proxy.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import sys

WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
ELSEWHERE = "/redirect-to?"  # what follows is the Location, as it came


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All requests of a connection. ``served`` counts them: a smuggled one would be one more."""
    served = 0
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            served += 1
            line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
            method, _, rest = line.partition(" ")
            path = rest.rpartition(" ")[0]
            print(f"saw {method} {path[:200]}", flush=True)
            headers = [each.split(": ", 1) if ": " in each else [each.rstrip(":"), ""] for each in lines]
            found = {name.lower(): value for name, value in headers}
            if found.get("upgrade", "").lower() == "websocket":
                return await websocket(reader, writer, found["sec-websocket-key"])
            body = await reader.readexactly(int(found.get("content-length", 0)))
            facts = {"echo": "reached", "method": method, "path": path, "headers": headers}
            writer.write(reply(path, json.dumps({**facts, "body_length": len(body), "served": served})))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def reply(path: str, text: str) -> bytes:
    """The reply to a request for ``path``: a redirect, if it asks for one."""
    status, location = "200 OK", ""
    if path.startswith(ELSEWHERE):
        status, location = "302 Found", f"Location: {path.removeprefix(ELSEWHERE)}\r\n"
    return (
        f"HTTP/1.1 {status}\r\nServer: echo/9.9\r\nX-Powered-By: echo/9.9\r\n{location}"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    ).encode("latin-1")


async def websocket(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
    """Send one short masked text frame back, and end."""
    accept = base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET).digest()).decode()
    switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{switch}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    length = (await reader.readexactly(2))[1] & 0x7F
    mask, data = await reader.readexactly(4), await reader.readexactly(length)
    text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    writer.write(bytes([0x81, length]) + text)
    await writer.drain()


async def main(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.start_server(serve, os.environ["HEROKU_PRIVATE_IP"], port, limit=1 << 20)
    print(f"echo on {port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
