"""The todo application's own API. Its image is also the MCP server's: app.mcp_server is the other entry point."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from . import tasks


def health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def list_tasks(_: Request) -> JSONResponse:
    return JSONResponse(tasks.all_tasks())


app = Starlette(routes=[Route("/health", health), Route("/tasks", list_tasks)])
