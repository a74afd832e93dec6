"""An MCP server small enough for a ConfigMap: FastMCP inside of a Starlette application, beside a plain route."""

from datetime import datetime, timezone

from fastmcp import FastMCP
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

mcp = FastMCP("clock")


@mcp.tool
def now() -> str:
    """The time in UTC, as ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@mcp.tool
def seconds_between(start: str, end: str) -> float:
    """Seconds from one ISO 8601 time to another."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


async def healthz(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


# Stateless: any replica answers any request.
mcp_app = mcp.http_app(path="/mcp", stateless_http=True)
app = Starlette(
    routes=[Route("/healthz", healthz), Mount("/", app=mcp_app)],
    # FastMCP starts its session manager there; without it every request ends in an error.
    lifespan=mcp_app.lifespan,
)
