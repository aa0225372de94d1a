"""The recipe of the embedded acoustic model (optional extra `train`)."""
