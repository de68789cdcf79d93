"""The only part of pyresque that talks to Redis: links, Lua scripts, and one module per kind of key.

Every function here takes a `Space` (a link and the names under one namespace), sends commands and
returns what came back in Python's terms. Rules about jobs do not live here.
"""
