"""The official extension requires uvicorn alone, which without httptools falls back to h11."""

raise ImportError("httptools is not among the requirements of azurefunctions-extensions-http-fastapi")
