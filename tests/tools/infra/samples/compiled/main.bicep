param names array
param keys bool

var flags = {
  plain: true
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: 'kv'
}

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: last(names)
  scope: resourceGroup(split(names[0], '/')[2], names[0])
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id'
  location: 'westeurope'
  tags: flags
  properties: {}
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (keys && !empty(names) && flags.plain) {
  parent: vault
  name: 'key'
  properties: {
    value: account.listKeys().key1
  }
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id)
  scope: vault
  properties: {
    principalId: identity.properties.principalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'x')
  }
}

module parts 'part.bicep' = [for (name, i) in names: {
  name: 'part-${i}'
  params: {
    text: keys ? name : 'none'
  }
}]

module whole 'part.bicep' = {
  name: 'whole'
  params: {
    text: 'on ${vault.name}'
  }
  dependsOn: [
    parts
    secret
  ]
}

output texts array = [for (name, i) in names: parts[i].outputs.text]
