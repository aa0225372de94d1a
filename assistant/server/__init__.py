"""Live calls over the network: the browser phone, telephone lines, health and figures.

Needs the extra ``serve``; nothing outside this room imports it but the command that starts it.
"""
