"""This app against the same forwarding written the default way, on Microsoft's worker runtime: `python -m tests.bench`.

`--against CHECKOUT` compares with our app of another commit in place of the default one.

Both run at the same time, each in a worker process of its own, and are measured in turns: A B A B. The load comes from
this process and the upstream is a third one, so that what is measured is the worker alone.

    __main__        command line; the rounds
    figures         PURE what is measured, its goal, medians and ratios, the table
    cases           one round of each case on one worker, and the split of a plain chat's CPU
    in_process      our own CPU alone, with a server and an upstream that do nothing
    normalising     CPU of the normaliser alone, on the same events
    stream_events   the same for other events and other reads: `python -m tests.bench.stream_events`
    translating     CPU of a translated stream: `python -m tests.bench.translating`
    memory          memory per open stream, each time on a fresh worker
    imports         CPU of importing function_app in a fresh interpreter
    variants        the two apps and their environment
    workers         a worker process: driven directly by the host's protocol, or behind the local Functions host
    client          one keep-alive connection, as cheap as it can be
    processes       CPU time and memory of a process, from /proc
    samples         bytes of Azure OpenAI's answers, built once
    upstream        the process that sends them
    root_logging    the INFO handler that Azure's worker installs, for both apps
    default_install what hides from the default app the packages that only ours requires
    layers          an app that stops a plain chat at the server, at the worker or at aiohttp
    default_app     the official FastAPI extension and aiohttp, as a tutorial writes it
"""
