"""An app under the default route prefix, with settings of its own and a handler that returns when another says so."""

import asyncio
import os
import sys

import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, Response

released = asyncio.Event()
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
sys.stdout.write("a line on standard output\n")
sys.stderr.write("a line on standard error\n")


@app.route(route="environ", methods=["GET"])
async def environ(req: Request) -> JSONResponse:
    return JSONResponse(dict(os.environ))


@app.route(route="forever", methods=["GET"])
async def forever(req: Request) -> Response:
    await released.wait()
    return Response()


@app.route(route="release", methods=["GET"])
async def release(req: Request) -> Response:
    released.set()
    return Response()
