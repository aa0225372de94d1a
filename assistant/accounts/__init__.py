"""Accounts: verification of phone and code, the reset, attempt limits, audit, notifications."""
