"""Reaching Redis: addresses, sockets, replies, and what is tried again."""
