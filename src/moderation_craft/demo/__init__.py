"""Believable made-up people with known truths in their data, and the servers that offer it."""
