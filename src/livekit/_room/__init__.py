"""A joined room: who is in it, what arrives and where it goes, and what its local participant acts through."""
