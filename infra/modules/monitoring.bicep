// Logs and metrics, with a daily cap so that a flood of requests cannot become a flood of costs.

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of the Application Insights component.')
param componentName string

@description('Region of both.')
param location string

@description('How many days logs are kept.')
param retentionInDays int

@description('GB of logs that are accepted each day; the rest of that day is dropped.')
param dailyCapGb int

@description('Tags of the resources.')
param tags object

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    retentionInDays: retentionInDays
    sku: {
      name: 'PerGB2018'
    }
    workspaceCapping: {
      dailyQuotaGb: dailyCapGb
    }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    // Only identities may write, so the connection string is no secret.
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

@description('Id of the Log Analytics workspace.')
output workspaceId string = workspace.id

@description('Id of the Application Insights component.')
output componentId string = component.id

@description('Name of the Application Insights component.')
output componentName string = component.name
