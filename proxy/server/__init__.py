"""The ASGI side: how requests come in, how answers leave, and how both end."""
