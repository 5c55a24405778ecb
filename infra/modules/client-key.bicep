// The first client key. An existing one is kept, so that deploying again replaces no key that is in use.

@description('Name of the vault.')
param vaultName string

@description('Name of the secret.')
param secretName string

@description('The key.')
@secure()
param clientKey string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

// https://learn.microsoft.com/azure/azure-resource-manager/bicep/resource-declaration
@onlyIfNotExists()
resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: secretName
  properties: {
    contentType: 'Client key of the OpenAI proxy'
    value: clientKey
  }
}
