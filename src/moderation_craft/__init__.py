"""ModerationCraft's data pipeline: from a person's raw days to what can honestly be said about them."""

from importlib.metadata import version

__version__ = version("moderation-craft")
