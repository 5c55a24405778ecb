// Alerts by mail over the lines of the log. Each query is a file of its own, and has a row when there is something wrong.

@description('Beginning of the names of the alerts.')
param name string

@description('Region of the alerts.')
param location string

@description('Id of the Application Insights component that has the log.')
param componentId string

@description('Who gets the mails.')
param emails array

@description('Tags of the alerts.')
param tags object

var alerts = [
  {
    name: 'errors'
    description: 'More than 5 % of the requests of a quarter of an hour failed.'
    query: loadTextContent('../queries/alert-errors.kql')
    severity: 2
    window: 'PT15M'
    frequency: 'PT5M'
    dimensions: []
  }
  {
    name: 'resource-down'
    description: 'A resource of Azure OpenAI has answered nothing for five minutes; target is its number in the settings.'
    query: loadTextContent('../queries/alert-resource-down.kql')
    severity: 1
    window: 'PT15M'
    frequency: 'PT5M'
    dimensions: [
      {
        name: 'target'
        operator: 'Include'
        values: [
          '*'
        ]
      }
    ]
  }
  {
    name: 'budget'
    description: '80 % of what all clients together may spend in this month (PROXY_BUDGET) is spent.'
    query: loadTextContent('../queries/alert-budget.kql')
    severity: 2
    window: 'P2D'
    frequency: 'PT1H'
    dimensions: []
  }
]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'openai-proxy'
    emailReceivers: [
      for (email, i) in emails: {
        name: 'mail-${i}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: '${name}-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${name}: ${alert.name}'
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [
        componentId
      ]
      targetResourceTypes: [
        'microsoft.insights/components'
      ]
      windowSize: alert.window
      evaluationFrequency: alert.frequency
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: alert.dimensions
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      // A new component has no lines yet.
      skipQueryValidation: true
      autoMitigate: true
      actions: {
        actionGroups: [
          group.id
        ]
      }
    }
  }
]
