"""A local Azure Functions host for Python apps with HTTP streaming, for machines without Core Tools.

Two processes, as on Azure: the host takes the clients' requests and forwards them to a worker process that runs the
app on Microsoft's own `azure_functions_runtime`. The host can kill its worker (functionTimeout) and start another.

    __main__          command line; start, serve, end
    settings          host.json, local.settings.json, environment and arguments as one value
    server            PATH of a request: refuse, find the function, take the body, forward
    paths             PURE what the host makes of a request target
    routes            PURE route templates; which function answers a path
    headers           PURE what the host does to headers, both ways
    cors              PURE the platform's CORS on Flex Consumption
    upload            the client's body: read whole or streamed
    forwarding        the HTTP leg to the worker, its deadlines and its failures
    connections      the pooled connections to the worker
    answer            the client's side of a response: sent with its first chunk, reset when it breaks
    workers           the worker process there is now, and its successor
    worker_process    one worker process, seen from the host
    channel           the lines that host and worker exchange
    worker            the worker process itself (imports nothing of the host but channel and protos)
    protos            plain Python in place of the worker's protobuf classes
"""
