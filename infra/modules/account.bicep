// A new Azure OpenAI account with its deployments. Never applied to an existing account.

@description('Name of the account and of its own host, NAME.openai.azure.com.')
param name string

@description('Region of the account.')
param location string

@description('Deployments of models: name, model, and optionally version, sku and capacity.')
param deployments array

@description('Whether keys are accepted. Without them only identities are.')
param keys bool

@description('Restores the soft-deleted account of this name, which still has its name and its quota.')
param restore bool

@description('Whether only private endpoints reach the account.')
param privateNetwork bool

@description('Tags of the resources.')
param tags object

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    // Identities are accepted only at the account's own host, not at that of a region.
    customSubDomainName: name
    disableLocalAuth: !keys
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
    restore: restore ? true : null
  }
}

// One after the other, because an account accepts one change at a time.
@batchSize(1)
resource models 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = [
  for model in deployments: {
    parent: account
    name: model.name
    sku: {
      name: model.?sku ?? 'GlobalStandard'
      capacity: model.?capacity ?? 10
    }
    properties: {
      model: {
        format: 'OpenAI'
        name: model.model
        version: model.?version
      }
    }
  }
]

@description('Id of the account.')
output id string = account.id
