"""An agent of the lab: it calls whoever offers `greeting`, found through the registry."""

import mesh
from fastmcp import FastMCP
from mesh.types import McpMeshTool

app = FastMCP("Caller")


@app.tool()
@mesh.tool(capability="caller", dependencies=["greeting"])
async def call(name: str = "world", greeting: McpMeshTool | None = None) -> str:
    """Greets somebody through another agent."""
    if greeting is None:
        return "nobody offers greeting"
    return f"{await greeting(name=name)}, from the mesh"


@mesh.agent(name="caller")
class Caller:
    """Registers the tools above under this name."""
