import instructor
from calls import BASE_URL, KEY, MESSAGES, MODEL, run
from openai import OpenAI
from pydantic import BaseModel

openai_client = OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0)


class Place(BaseModel):
    city: str


def tool():
    client = instructor.from_openai(openai_client)
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, response_model=Place, max_retries=0)
    return type(answer.city).__name__


def stream():
    client = instructor.from_openai(openai_client)
    pieces = list(client.chat.completions.create_partial(model=MODEL, messages=MESSAGES, response_model=Place))
    return type(pieces[-1].city).__name__


def as_json_schema():
    client = instructor.from_openai(openai_client, mode=instructor.Mode.JSON_SCHEMA)
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, response_model=Place, max_retries=0)
    return type(answer.city).__name__


run(tool, stream, as_json_schema)
