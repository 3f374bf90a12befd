"""Shared by all tests: hypothesis profiles and where the outside data lies."""
