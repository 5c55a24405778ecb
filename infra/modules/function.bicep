// The function app on Flex Consumption, with all of its settings.

@description('Name of the function app, the first part of its address.')
param name string

@description('Name of the plan.')
param planName string

@description('Region of the app.')
param location string

@description('Id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Name of the host\'s storage account.')
param storageName string

@description('Address of the container that holds the app\'s package.')
param packageContainer string

@description('Address of the tables in which limits of client keys and usage are counted.')
param tableEndpoint string

@description('Name of the Application Insights component.')
param componentName string

@description('Address of the vault.')
param vaultUri string

@description('How the app authenticates to Azure OpenAI.')
param openAiAuth string

@description('Azure OpenAI accounts, each as the app\'s setting AZURE_OPENAI_RESOURCES describes one.')
param openAi array

@description('Whether the accounts are written as a list, AZURE_OPENAI_RESOURCES, and not as the simple settings of a single one.')
param openAiAsList bool

@description('Which deployment serves a model: model=deployment,model=deployment.')
param modelMapper string

@description('The deployment for every other model.')
param defaultDeployment string

@description('Client id of an application in Microsoft Entra ID, whose tokens clients may send in place of a client key. Empty for client keys alone.')
param clientEntraAudiences string

@description('Origins of web pages that may call from a browser.')
param allowedOrigins array

@description('Addresses that may call the app; empty for all.')
param allowedIpRanges array

@description('What all clients together may spend in a calendar month, in US dollars; 0 for no budget.')
param proxyBudgetUsd int

@description('Settings of the app by name; they take precedence over those set here.')
@secure()
param extraSettings object

@description('Version of this template, which the app compares with its own.')
param templateVersion string

@description('Memory of an instance in MB.')
param instanceMemoryMB int

@description('How many instances there are at most.')
param maximumInstanceCount int

@description('How many instances are always there.')
param alwaysReadyInstances int

@description('How many requests one instance serves at a time.')
param perInstanceConcurrency int

@description('Id of the subnet for the app\'s outbound calls; empty for none.')
param subnetId string

@description('Tags of the resources.')
param tags object

var openAiSettings = openAiAsList
  ? {
      AZURE_OPENAI_RESOURCES: string(openAi)
    }
  : {
      AZURE_OPENAI_ENDPOINT: openAi[0].endpoint
      AZURE_OPENAI_RESOURCE_ID: openAi[0].resource_id
      AZURE_OPENAI_AUTH: openAiAuth
      AZURE_OPENAI_MODEL_MAPPER: modelMapper
      AZURE_OPENAI_DEFAULT_DEPLOYMENT: defaultDeployment
    }
var appSettings = {
  AZURE_CLIENT_ID: identityClientId
  KEY_VAULT_URL: vaultUri
  TEMPLATE_VERSION: templateVersion
  LIMITS_STORE: tableEndpoint
  USAGE_STORE: tableEndpoint
  ALLOWED_ORIGINS: join(allowedOrigins, ',')
  // The app accepts as many requests as the platform sends to one instance at a time.
  MAX_IN_FLIGHT: string(perInstanceConcurrency)
  UPSTREAM_CONNECTIONS: string(perInstanceConcurrency)
}
// It stops nothing: who wants it to, sets PROXY_BUDGET by extraSettings.
var budgetSettings = proxyBudgetUsd == 0
  ? {}
  : {
      PROXY_BUDGET: '${proxyBudgetUsd} soft'
    }
var clientSettings = empty(clientEntraAudiences)
  ? {}
  : {
      CLIENT_AUTH: 'keys-and-entra'
      CLIENT_ENTRA_TENANT: tenant().tenantId
      CLIENT_ENTRA_AUDIENCES: clientEntraAudiences
    }
var ipRestrictions = map(range(0, length(allowedIpRanges)), i => {
  name: 'allowed-${i}'
  action: 'Allow'
  ipAddress: allowedIpRanges[i]
  priority: 100 + i
})
// Only the account's name: with __blobServiceUri the host sometimes does not start on Flex Consumption.
// https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
var hostSettings = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__credential: 'managedidentity'
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'api'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    clientAffinityEnabled: false
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainer
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [
              {
                name: 'http'
                instanceCount: alwaysReadyInstances
              }
            ]
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        triggers: {
          http: {
            // The default for Python is 1, with which a whole instance would be billed for each stream.
            // https://learn.microsoft.com/azure/azure-functions/functions-concurrency#http-trigger-concurrency
            perInstanceConcurrency: perInstanceConcurrency
          }
        }
      }
    }
    siteConfig: {
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ipSecurityRestrictions: ipRestrictions
      ipSecurityRestrictionsDefaultAction: empty(allowedIpRanges) ? 'Allow' : 'Deny'
      // The platform answers every preflight itself; the app gets none.
      cors: {
        allowedOrigins: allowedOrigins
      }
      appSettings: concat(
        [
          {
            name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
            value: component.properties.ConnectionString
          }
        ],
        map(
          items(union(hostSettings, appSettings, budgetSettings, clientSettings, openAiSettings, extraSettings)),
          setting => {
            name: setting.key
            value: setting.value
          }
        )
      )
    }
  }
}

// Code is deployed with an identity, not with a name and a password.
resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

@description('Name of the function app.')
output name string = app.name

@description('Host of the function app.')
output hostName string = app.properties.defaultHostName
