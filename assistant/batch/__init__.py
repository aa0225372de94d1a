"""Measuring: sets of labelled recordings in, scores with intervals out."""
