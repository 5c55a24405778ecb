"""OpenAI's API in front, Azure OpenAI behind: one request, one way through these rooms.

    function_app.py            the door: HTTP to messages and back
      gateway/                 the corridor: the path of a request; decides nothing
        auth/                  pure: who is calling
        translation/           pure: operations, request, response, errors, headers, streams, ids and their resource
        routing/               pure: where a request goes next, and what a failure means
        edge/                  the rooms that wait for the world: upstream, credentials, Key Vault, discovery, log
      bootstrap.py             puts the rooms together from the settings

    values.py  errors.py  config/           the values that travel between the rooms
    http_extension.py                       how the worker serves HTTP without FastAPI

In the corridor `forwarding` (or `uploads`) takes a request, `travel` leads it from target to target, `attempt` makes
one call, `opening` decides when the head of a stream leaves, `answers` lets it flow.

The rooms never call each other; only the corridor calls them. What routing must weigh is a value, what the client
must read is an exception (`errors.ProxyError`). The pure rooms know no clock, environment, socket or logger.
"""
