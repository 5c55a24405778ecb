targetScope = 'subscription'

param names array
param only bool

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${names[0]}'
  location: 'westeurope'
}

module first 'inner/one.bicep' = if (only) {
  name: 'first'
  scope: group
  params: {
    text: names[0]
    list: [for (name, i) in names: { name: name, number: i }]
  }
}

@batchSize(1)
module others 'inner/one.bicep' = [for (name, i) in names: {
  name: 'other-${i}'
  scope: resourceGroup(split(name, '/')[2], name)
  params: {
    text: first!.outputs.text
    list: []
  }
}]

module last 'inner/two.bicep' = {
  name: 'last'
  scope: group
  dependsOn: [
    others
  ]
}

output group string = group.id
output texts array = [for i in range(0, length(names)): others[i].outputs.text]
