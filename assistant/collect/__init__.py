"""Collecting speech with consent: what to read, is it usable, where it is kept, how it goes."""
