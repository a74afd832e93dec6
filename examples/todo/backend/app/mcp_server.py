"""The todo application's tasks as MCP tools, out of the backend's own image: uvicorn app.mcp_server:app"""

import logging
import os
from contextlib import asynccontextmanager

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from . import tasks

logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"))


@asynccontextmanager
async def lifespan(_: FastMCP):
    await run_in_threadpool(tasks.make_table)
    yield


mcp = FastMCP("todo", lifespan=lifespan)


@mcp.tool
def add_task(title: str) -> dict:
    """Adds a task."""
    return tasks.add(title)


@mcp.tool
def complete_task(task: int) -> dict:
    """Marks a task as done, by its id."""
    done = tasks.complete(task)
    if done is None:
        raise ToolError(f"There is no task {task}.")
    return done


@mcp.tool
def list_tasks() -> list[dict]:
    """All tasks with their ids."""
    return tasks.all_tasks()


@mcp.custom_route("/health", methods=["GET"])
async def health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


# Stateless: with an autoscaler any replica answers any request.
app = mcp.http_app(path="/mcp", stateless_http=True)
