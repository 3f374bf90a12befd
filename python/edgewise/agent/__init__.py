"""The node's one process that talks to the store: what should run comes in, the node's status goes out.

It meets the workers on disk alone: in the slot, in their accounts and in their counters. Decisions go on without it.
"""
