"""The voice: catalogue of prompts, synthesizers that render ahead of time, call renderer."""
