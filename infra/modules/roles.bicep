// Every role of this deployment is given here, once per scope: what one principal may do on one resource.

@description('Object id of the principal. A parameter, so that the names below differ for a new identity and never collide with those of a deleted one.')
param principalId string

@description('Type of the principal; empty if it is not known, as for the person who deploys.')
@allowed(['', 'ServicePrincipal'])
param principalType string

@description('Kind of the resource.')
@allowed(['account', 'component', 'storage', 'vault'])
param kind string

@description('Name of the resource, which is in the resource group of this deployment.')
param resourceName string

@description('Names of the roles, as in the table below.')
param roles array

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
var roleIds = {
  'Cognitive Services OpenAI User': '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'
  'Key Vault Secrets Officer': 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
var knownType = empty(principalType) ? null : 'ServicePrincipal'

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: resourceName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: resourceName
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: resourceName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: resourceName
}

resource onAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: if (kind == 'account') {
    name: guid(toLower(account.id), principalId, roleIds[role])
    scope: account
    properties: {
      principalId: principalId
      principalType: knownType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
    }
  }
]

resource onComponent 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: if (kind == 'component') {
    name: guid(toLower(component.id), principalId, roleIds[role])
    scope: component
    properties: {
      principalId: principalId
      principalType: knownType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
    }
  }
]

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: if (kind == 'storage') {
    name: guid(toLower(storage.id), principalId, roleIds[role])
    scope: storage
    properties: {
      principalId: principalId
      principalType: knownType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
    }
  }
]

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: if (kind == 'vault') {
    name: guid(toLower(vault.id), principalId, roleIds[role])
    scope: vault
    properties: {
      principalId: principalId
      principalType: knownType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
    }
  }
]
