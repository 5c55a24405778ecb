"""A Responses request made as a chat completion, for deployments that serve only chat.

request      the whole body, and what is refused
parameters   each member of the body but the input and the tools: the table of what becomes of it
items        the items of the input as messages
content      the parts of a message or of a tool's output
tools        the tools and the choice among them as functions, and their names on the way back
answer       a whole chat completion as a response
stream       the chunks of a chat as the events of a response
output       the items that are made of an answer, whole or piece by piece
errors       errors that name the client's parameter
marks        ids and sealed reasoning that the proxy has made, and what is refused because of them
mapping      what becomes of each member, tool and item, as a table for the documents
"""

from proxy.translation.responses_on_chat.marks import is_translated, without_marks
from proxy.translation.responses_on_chat.request import translate

__all__ = ["is_translated", "translate", "without_marks"]
