"""The whole way of a request: a real client, Microsoft's worker runtime, the app, and what stands for Azure."""
