"""The HTTP service of a node: routes, tokens, activation from the slot, supervision of workers.

It knows bundles only, never books, and meets whoever fills the slot on disk alone.
"""
