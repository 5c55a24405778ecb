// The app's network: a subnet for outbound calls, one for private endpoints, and the private DNS zones.

@description('Name of the network.')
param name string

@description('Region of the network.')
param location string

@description('Addresses of the network; its first two /24 blocks are used.')
param addressPrefix string

@description('Names of the private DNS zones.')
param zoneNames array

@description('Tags of the resources.')
param tags object

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          // The delegation that Flex Consumption requires: https://learn.microsoft.com/azure/azure-functions/flex-consumption-how-to#enable-virtual-network-integration
          delegations: [
            {
              name: 'app'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 1)
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zoneName in zoneNames: {
    name: zoneName
    location: 'global'
    tags: tags
    properties: {}
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zoneName, i) in zoneNames: {
    parent: zones[i]
    name: name
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

@description('Id of the subnet for the app\'s outbound calls.')
output appSubnetId string = '${network.id}/subnets/app'

@description('Id of the subnet for private endpoints.')
output endpointSubnetId string = '${network.id}/subnets/endpoints'
