"""Pure: a chat completion made as a call of the Responses API, for models that serve nothing else.

`request.translate` makes the request, with `members` (what becomes of each member), `messages` and `tools`. `answer`
and `stream` make the client's answer of what comes back, `errors` its errors; `stop` and `reasoning` serve both.
"""
