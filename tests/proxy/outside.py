"""What must never be reached: the dyno ``outside`` of the attack table. It prints a line for every connection.

It listens on ports that are nobody's business, and on those of pages too: a request that got here by an address, or by
a name that is nearly right, is a request too many.
"""

from __future__ import annotations

import asyncio
import os

PORTS = (22, 80, 4040, 5000, 6066, 7077, 8080, 8081, 8088, 8888, 9999, 18080, 22222)


async def reached(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say so, and what came."""
    port = writer.get_extra_info("sockname")[1]
    try:
        sent = await asyncio.wait_for(reader.read(200), 1)
    except (asyncio.TimeoutError, ConnectionError):
        sent = b""
    print(f"reached port {port}: {sent!r}", flush=True)
    writer.close()


async def main() -> None:
    """Listen for ever. A port below 1024 may be refused to an ordinary user."""
    servers = []
    for port in PORTS:
        try:
            servers.append(await asyncio.start_server(reached, os.environ["HEROKU_PRIVATE_IP"], port))
        except PermissionError:
            print(f"not allowed to listen on {port}", flush=True)
    print(f"outside on {len(servers)} ports", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
