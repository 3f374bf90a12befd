"""The one way to decide: loads a verified bundle and answers through the compiled core. Knows no HTTP and no files."""
