"""The async worker: several `async def` jobs at a time in one process."""
