"""Lab stand-in for the legacy llmctl-mcp entry point, whose image is private.

The embedded rows start it as `python3 run.py`; it becomes the reference server over stdio.
"""

import os

os.execvp("mcp-server-everything", ["mcp-server-everything", "stdio"])
