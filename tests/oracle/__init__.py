"""One corpus of requests through two checkouts of the app; what is seen from outside must not differ.

    python -m tests.oracle record --app FOLDER --out FILE
    python -m tests.oracle compare OLD.json [OLD.json ...] NEW.json [--without-tags]

Nothing here imports the app: a client speaks HTTP to the local Functions host, raw sockets stand for Azure, settings
are environment variables, and the access log is read from standard output.

    case        what a case and a group are: what the client sends, what the upstream answers, in steps
    corpus      all groups
    upstream    the upstream: bytes as the case says them, and what came
    client      one exchange of a client: bytes out, the answer, how it ended
    app         the app in its host: start, lines, open files, end
    record      run groups, one app each, and write a document per case
    normalise   what differs from run to run, taken out
    compare     recordings, field by field
    id_tags     the two layouts of the tags on ids
    accepted    differences that are meant
"""
