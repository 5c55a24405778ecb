// Facts about an existing account, read from the account. Changes nothing.

@description('Id of the account, in any resource group or subscription.')
param accountId string

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: last(split(accountId, '/'))
  scope: resourceGroup(split(accountId, '/')[2], split(accountId, '/')[4])
}

@description('Address of Azure OpenAI. An account of kind AIServices has several addresses and lists this one separately.')
output endpoint string = account.properties.endpoints[?'OpenAI Language Model Instance API'] ?? account.properties.endpoint

// An account that only has the address of its region accepts only keys.
@description('Why the app\'s identity cannot be used; empty if it can.')
output problem string = contains(account.properties.endpoint, '.api.cognitive.')
  ? '${accountId} only has the address of its region, which takes no identities: give it a custom subdomain, or deploy with openAiAuth=key-vault'
  : ''
