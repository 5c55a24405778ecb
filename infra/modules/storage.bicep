// The host's storage account: the app's package and what the host and the app keep. No keys: identities only.

@description('Name of the storage account.')
param name string

@description('Region of the storage account.')
param location string

@description('Whether only private endpoints reach the account.')
param privateNetwork bool

@description('Tags of the resources.')
param tags object

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: 'package'
  properties: {
    publicAccess: 'None'
  }
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' = {
  parent: account
  name: 'default'
}

// The counts of client keys with limits.
resource limits 'Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01' = {
  parent: tables
  name: 'limits'
}

// What clients have used.
resource usage 'Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01' = {
  parent: tables
  name: 'usage'
}

@description('Id of the storage account.')
output id string = account.id

@description('Name of the storage account.')
output name string = account.name

@description('Address of the account\'s tables.')
output tableEndpoint string = account.properties.primaryEndpoints.table

@description('Address of the container that holds the app\'s package.')
output packageContainer string = '${account.properties.primaryEndpoints.blob}${container.name}'
