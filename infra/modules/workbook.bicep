// A workbook over the lines of the log: who uses what, what it costs, and what fails. Each query is a file of its own.

@description('Name that the portal shows.')
param displayName string

@description('Region of the workbook.')
param location string

@description('Id of the Application Insights component that has the log.')
param componentId string

@description('Tags of the workbook.')
param tags object

var charts = [
  {
    title: 'Requests'
    query: loadTextContent('../queries/requests.kql')
    visualization: 'barchart'
  }
  {
    title: 'Cost in US dollars, by client and model'
    query: loadTextContent('../queries/cost.kql')
    visualization: 'table'
  }
  {
    title: 'Tokens, by client and model'
    query: loadTextContent('../queries/tokens.kql')
    visualization: 'table'
  }
  {
    title: 'Share of the input tokens from the cache, in percent'
    query: loadTextContent('../queries/cached.kql')
    visualization: 'linechart'
  }
  {
    title: 'Milliseconds to the first token: half (p50) and 95 % (p95) came sooner'
    query: loadTextContent('../queries/first-token.kql')
    visualization: 'linechart'
  }
  {
    title: 'Errors by kind'
    query: loadTextContent('../queries/errors.kql')
    visualization: 'table'
  }
  {
    title: 'Answers 429 of Azure OpenAI, by resource'
    query: loadTextContent('../queries/throttled.kql')
    visualization: 'barchart'
  }
  {
    title: 'Failovers, from resource to resource'
    query: loadTextContent('../queries/failovers.kql')
    visualization: 'table'
  }
]
var timeRange = {
  type: 9
  name: 'time'
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: [
      {
        id: guid('time')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time range'
        type: 4
        isRequired: true
        value: {
          durationMs: 86400000
        }
        typeSettings: {
          selectableValues: map([3600000, 14400000, 86400000, 604800000, 2592000000, 7776000000], milliseconds => {
            durationMs: milliseconds
          })
          allowCustom: true
        }
      }
    ]
    style: 'pills'
    queryType: 0
    resourceType: 'microsoft.insights/components'
  }
}
var items = map(range(0, length(charts)), i => {
  type: 3
  name: 'query-${i}'
  content: {
    version: 'KqlItem/1.0'
    title: charts[i].title
    query: charts[i].query
    visualization: charts[i].visualization
    size: 0
    timeContextFromParameter: 'TimeRange'
    queryType: 0
    resourceType: 'microsoft.insights/components'
    crossComponentResources: [
      componentId
    ]
  }
})

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  // Azure asks for a GUID.
  name: guid(componentId, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: displayName
    sourceId: componentId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([timeRange], items)
      '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
    })
  }
}
