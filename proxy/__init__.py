"""OpenAI's API in front, Azure OpenAI behind: one request, one way through these rooms.

    function_app.py            the door: HTTP to messages and back
      gateway.py               the corridor: the path of a request; decides nothing
        auth/                  pure: who is calling
        translation/           pure: operations, request, response, errors, headers, server-sent events, streams
        routing/               pure: which deployment serves a model
        edge/                  the rooms that wait for the world: upstream, credentials, Key Vault, identity, log
      bootstrap.py             puts the rooms together from the settings

    messages.py  errors.py  settings.py     the values that travel between the rooms
    http_extension.py                       how the worker serves HTTP without FastAPI

The rooms never call each other; only the corridor calls them. What routing must weigh is a value, what the client
must read is an exception (`errors.ProxyError`). The pure rooms know no clock, environment, socket or logger.
"""
