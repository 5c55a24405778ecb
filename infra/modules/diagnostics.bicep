// The audit logs of the vault or of an account, into the workspace.

@description('Name of the setting.')
param name string

@description('Kind of the resource.')
@allowed(['account', 'vault'])
param kind string

@description('Name of the resource, which is in the resource group of this deployment.')
param resourceName string

@description('Id of the workspace.')
param workspaceId string

var properties = {
  workspaceId: workspaceId
  logs: [
    {
      categoryGroup: 'audit'
      enabled: true
    }
  ]
}

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = if (kind == 'account') {
  name: resourceName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = if (kind == 'vault') {
  name: resourceName
}

resource onAccount 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (kind == 'account') {
  name: name
  scope: account
  properties: properties
}

resource onVault 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (kind == 'vault') {
  name: name
  scope: vault
  properties: properties
}
