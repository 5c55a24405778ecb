// The vault with the client keys and, if keys are used, those of Azure OpenAI.

@description('Name of the vault.')
param name string

@description('Region of the vault.')
param location string

@description('Whether purging the vault is prevented, also for Microsoft, for the seven days of its soft deletion. This cannot be undone.')
param purgeProtection bool

@description('Restores the soft-deleted vault of this name instead of creating a new one.')
param recover bool

@description('Whether only private endpoints reach the vault.')
param privateNetwork bool

@description('Tags of the resources.')
param tags object

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    createMode: recover ? 'recover' : 'default'
    enableRbacAuthorization: true
    enableSoftDelete: true
    // Azure refuses `false`: https://learn.microsoft.com/azure/templates/microsoft.keyvault/vaults#vaultproperties
    enablePurgeProtection: purgeProtection ? true : null
    softDeleteRetentionInDays: 7
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
    sku: {
      family: 'A'
      name: 'standard'
    }
  }
}

@description('Id of the vault.')
output id string = vault.id

@description('Name of the vault.')
output name string = vault.name

@description('Address of the vault.')
output uri string = vault.properties.vaultUri
