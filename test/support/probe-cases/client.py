"""Lists the tools of the servers whose URLs come as a JSON array on standard input, with the official Python client.

The argument is the mode of its second major version: "legacy" for a handshake, "auto" for 2026-07-28 first.

Prints a JSON array: for each URL why it could not, or an empty text.
"""

import asyncio
import importlib.metadata
import json
import logging
import sys

SECONDS = 3
MODE = sys.argv[1] if len(sys.argv) > 1 else "legacy"
MAJOR = int(importlib.metadata.version("mcp").split(".")[0])
logging.disable(logging.CRITICAL)


async def list_all(session):
    tools, cursor = 0, None
    while True:
        page = await session.list_tools(cursor=cursor)
        tools += len(page.tools)
        cursor = page.next_cursor if MAJOR > 1 else page.nextCursor
        if not cursor:
            return tools


async def ask(url):
    if MAJOR > 1:
        from mcp import Client

        async with Client(url, mode=MODE, read_timeout_seconds=SECONDS) as client:
            return await list_all(client)
    from datetime import timedelta

    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(url) as (read, write, _):
        async with ClientSession(read, write, timedelta(seconds=SECONDS)) as session:
            await session.initialize()
            return await list_all(session)


def why(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".split("\n")[0]


async def verdict(url):
    try:
        return "" if await asyncio.wait_for(ask(url), 4 * SECONDS) > 0 else "no tools"
    except BaseException as error:
        return why(error)


async def main():
    urls = json.load(sys.stdin)
    # One after another within a few: some clients keep tasks that an error in another one would end.
    few = asyncio.Semaphore(8)

    async def one(url):
        async with few:
            return await verdict(url)

    print(json.dumps(await asyncio.gather(*[one(url) for url in urls])))


asyncio.run(main())
