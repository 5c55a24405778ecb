"""OpenAI's API in front, Azure OpenAI behind: one request, one way.

    function_app.py            entry point: one catch-all HTTP function
    app                        composition root: environment → Application
    composition/               its parts: clients, resources, calls
      pipeline/                one request: handler, exchange, call, failover, attempt, relay
        server/                ASGI: the worker's extension, request bodies, the answer's writer, deadline, access log
        azure_services/        I/O to Azure: OpenAI, credentials, Key Vault, deployments
          auth/                pure: who is calling
          diagnosis/           pure: what is wrong with a set-up
          prices/              pure: which price counts, what a call costs and may cost
          routing/             pure: which target next
          telemetry/           pure: requests as spans and measurements
          translation/         pure: one of OpenAI's APIs in the place of another
            azure_api/         pure: what Azure OpenAI takes and answers
              openai_api/      pure: what clients send and read
                config/        pure: environment → Settings
                  values  errors

Imports go down only. A failure that routing must weigh is a value, one that the client must read is an exception
(`errors.ProxyError`). The pure layers know no clock, environment, socket or logger.
"""
