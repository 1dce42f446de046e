"""The asyncio side of data streams: readers, writers, files and the handlers of an application."""
