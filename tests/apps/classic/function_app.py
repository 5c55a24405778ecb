"""An app without a web extension."""

import azure.functions as func

app = func.FunctionApp()


@app.route(route="classic")
def classic(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("classic")
