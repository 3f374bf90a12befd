"""The `edgewise` program: one module per command, each exposing `command`."""
