# The app on the image of Azure Functions, for Container Apps, Premium, Dedicated or a machine of your own.
FROM mcr.microsoft.com/azure-functions/python:4-python3.13

# The host, which lives long here, is compiled as it runs: about a third less of its CPU for each request.
# Function keys are not used, and without a storage account they would have no place.
ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    AzureWebJobsSecretStorageType=files \
    DOTNET_TieredCompilation=1

WORKDIR /home/site/wwwroot
COPY requirements.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt
COPY function_app.py host.json ./
COPY proxy/ proxy/
RUN python -m compileall -q --invalidation-mode unchecked-hash function_app.py proxy
