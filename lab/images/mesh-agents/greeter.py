"""An agent of the lab: it offers the capability `greeting`."""

import mesh
from fastmcp import FastMCP

app = FastMCP("Greeter")


@app.tool()
@mesh.tool(capability="greeting", version="1.0.0", tags=["hello"])
def greet(name: str = "world") -> str:
    """Greets somebody."""
    return f"Hello, {name}"


@mesh.agent(name="greeter")
class Greeter:
    """Registers the tools above under this name."""
