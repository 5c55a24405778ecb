// A private endpoint for one service of one resource, and its private DNS name.

@description('Name of the endpoint.')
param name string

@description('Region of the network.')
param location string

@description('Id of the subnet for endpoints.')
param subnetId string

@description('Id of the resource.')
param targetId string

@description('The resource\'s service: account, blob, table or vault.')
param service string

@description('Names of the private DNS zones.')
param zoneNames array

@description('Tags of the resources.')
param tags object

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: service
        properties: {
          privateLinkServiceId: targetId
          groupIds: [
            service
          ]
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: map(zoneNames, zoneName => {
      name: replace(zoneName, '.', '-')
      properties: {
        privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zoneName)
      }
    })
  }
}
