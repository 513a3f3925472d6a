"""Zeppelin: its REST contract as recorded, and a real one put together from its own jars."""
