// A monthly budget for this resource group, or for one resource in it. It sends mails, hours late, and stops nothing.

@description('Name of the budget.')
param name string

@description('Amount a month, in the currency of the bill.')
param amount int

@description('Who gets the mails.')
param emails array

@description('Id of the one resource whose costs count; empty for the whole group.')
param resourceId string

@description('First day of the month in which the budget begins.')
param startDate string = utcNow('yyyy-MM-01')

var thresholds = [50, 80, 100]
var actual = toObject(thresholds, threshold => 'actual${threshold}', threshold => {
  enabled: true
  operator: 'GreaterThanOrEqualTo'
  threshold: threshold
  thresholdType: 'Actual'
  contactEmails: emails
})
var forecast = {
  forecast100: {
    enabled: true
    operator: 'GreaterThanOrEqualTo'
    threshold: 100
    thresholdType: 'Forecasted'
    contactEmails: emails
  }
}
var onlyResource = {
  dimensions: {
    name: 'ResourceId'
    operator: 'In'
    values: [
      resourceId
    ]
  }
}

// Azure refuses another start than the first one, and one in an earlier month: so an existing budget is left alone.
// https://learn.microsoft.com/rest/api/consumption/budgets/create-or-update
@onlyIfNotExists()
resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    filter: empty(resourceId) ? null : onlyResource
    notifications: union(actual, forecast)
  }
}
