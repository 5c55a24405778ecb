// Copies the key of one Azure OpenAI account into the vault; it is in no parameter and no output.

@description('Id of the Azure OpenAI account.')
param accountId string

@description('Name of the vault.')
param vaultName string

@description('Name of the secret that gets the key.')
param secretName string

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: last(split(accountId, '/'))
  scope: resourceGroup(split(accountId, '/')[2], split(accountId, '/')[4])
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: secretName
  properties: {
    contentType: 'Key of Azure OpenAI'
    value: account.listKeys().key1
  }
}
