"""Vendors' bills as values: files they let one download, and what they tell over the network."""
