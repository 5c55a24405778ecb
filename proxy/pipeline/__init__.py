"""One request, from the ASGI scope to the end of its answer.

handler         route, authenticate, admit, answer locally or call Azure
exchange      what must end with the request: slot, deadline, access-log entry, the reason of its end
call          parse the call, find its targets, let the head of a slow stream leave
failover    target after target, as routing says
json_source | form_source    the request for one target, from the body that the client sent
call_path    how a call reaches a deployment: as it is, on v1, or as a call of the other API
translated_call    a call of the API that the target has, in place of the client's
attempt   build, send, read one answer of Azure
relay   the body of a stream as it comes
collecting    a whole answer that Azure streams
"""
