"""The voice: prompt catalogue, synthesizers for rendering ahead of time, the renderer that splices clips."""
