@description('Where it\'s made.')
param location string = resourceGroup().location

@description('''
Several
lines''')
@minLength(3)
@maxLength(24)
param name string

@allowed([1, 2])
param size int = 1

@minValue(0)
@maxValue(9)
param count int

@secure()
param key string = '[${newGuid()}'

@secure()
param settings object = {}

@metadata({ azd: { type: 'location' } })
param names array = []

var bracket = '[plain]'
var braces = 'a{b}${name}\n\u{1F600}'
var table = {
  one: size == 1 ? 'a' : 'b'
  'two words': !empty(name) && size != 2 || count >= 3
  '${name}': null
}
var several = map(names, item => { text: item.?text ?? name, 'more': item['the key'] })
var nothing = names[?0] ?? table.one
var number = (size + 2) * 3 - 1
var tally = count < 5 ? 1 : count > 6 ? 2 : 3
var lots = [true, false, 'x']

resource store 'Microsoft.Storage/storageAccounts@2024-01-01' = if (size == 1) {
  name: name
  location: location
  properties: {
    tag: '${key}'
    '${name}': {}
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: store
  name: 'default'
}

// A comment
resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: 'box'
  dependsOn: [
    vault
  ]
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: 'kv-${name}'
}

resource elsewhere 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: name
  scope: resourceGroup('sub', name)
}

@onlyIfNotExists()
resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: name
  properties: {
    value: elsewhere.listKeys().key1
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zone in names: {
  name: zone
}]

@batchSize(2)
resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (zone, i) in names: if (zone != '') {
  parent: zones[i]
  name: 'link-${i}'
}]

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, container.id)
  scope: vault
  properties: {
    blob: store.properties.primaryEndpoints.blob
    uri: vault.properties.vaultUri
    name: container.name
    zone: zones[0].id
  }
}

output id string = container.id
output each array = [for (zone, i) in names: '${i}-${zone}']
