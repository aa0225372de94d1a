"""Ears: audio → words. The protocol, the Vosk adapter, the model folder."""
