"""A dyno with pages of its own on the notebook's port: a slow one, an endless one, a WebSocket, and who asked how."""

import asyncio

from aiohttp import WSMsgType, web


async def asked(request: web.Request) -> web.Response:
    return web.json_response({"path": request.raw_path, "headers": dict(request.headers), "body": await request.text()})


async def slow(request: web.Request) -> web.StreamResponse:
    """Says so at once, and is done seconds later."""
    reply = web.StreamResponse()
    await reply.prepare(request)
    await reply.write(b"begun ")
    await asyncio.sleep(float(request.query["seconds"]))
    await reply.write(b"done")
    return reply


async def redirect(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": request.query["to"]})


async def cut(request: web.Request) -> web.StreamResponse:
    """Ends in the middle of what it has promised."""
    reply = web.StreamResponse(headers={"Content-Length": "2000"})
    await reply.prepare(request)
    await reply.write(b"begun ")
    assert request.transport
    request.transport.abort()
    return reply


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(f"echo {message.data}")
    return socket


app = web.Application()
app.add_routes(
    [
        web.get("/slow", slow),
        web.get("/echo", echo),
        web.get("/redirect", redirect),
        web.get("/cut", cut),
        web.route("*", "/{path:.*}", asked),
    ]
)
web.run_app(app, port=8888, print=None)
