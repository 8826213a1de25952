"""Shared parts of node schemas: wire types, and groups of inputs and outputs."""
