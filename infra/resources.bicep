// The whole proxy in one resource group: the source of azuredeploy.json, which the button deploys.

@description('Region of all resources, best that of the Azure OpenAI account. It must have Flex Consumption.')
param location string = resourceGroup().location

@description('Suffix for other names within the same resource group, for a second proxy or when a deleted vault still reserves a name.')
@maxLength(40)
param nameSuffix string = ''

@description('Id of an existing Azure OpenAI account, in any resource group or subscription. If it is empty and there are no openAiResources, a new account is created.')
param openAiResourceId string = ''

@description('Existing Azure OpenAI accounts: id, and optionally settings with members of the app\'s setting AZURE_OPENAI_RESOURCES (priority, weight, models, ...).')
param openAiResources array = []

@description('Deployments of a new account: name, model, and optionally version, sku and capacity (in thousands of tokens a minute). Empty for one of the default model.')
param modelDeployments array = []

@description('How the app authenticates to Azure OpenAI: with its managed identity, or with a key that the deployment puts into the vault.')
@allowed(['managed-identity', 'key-vault'])
param openAiAuth string = 'managed-identity'

@description('Whether to give the app the role Cognitive Services OpenAI User on the accounts. Without the right to do so choose false; an administrator then runs the commands in the output openAiRoleCommands.')
param assignOpenAiRole bool = true

@description('Object id of the person who may read and write the client keys, usually the one who deploys. Empty for nobody.')
param deployerObjectId string = deployer().objectId

@description('Name of the client that the first client key is for; its secret is called client-NAME. Empty for no key.')
@maxLength(120)
param clientName string = 'first'

@description('The first client key, random by default. A key that is already in the vault stays.')
@secure()
param clientKey string = 'sk-${replace('${newGuid()}${newGuid()}', '-', '')}'

@description('Client id of an application in Microsoft Entra ID, whose tokens clients may send in place of a client key. Empty for client keys alone.')
param clientEntraAudiences string = ''

@description('Origins of web pages that may call from a browser, * for all.')
param allowedOrigins array = [
  '*'
]

@description('Which deployment serves a model: model=deployment,model=deployment. A model without an entry is used as the name of a deployment. With several accounts each entry has its own models.')
param modelMapper string = ''

@description('The deployment for every model without an entry. With several accounts each entry has its own default_deployment.')
param defaultDeployment string = ''

@description('Other settings of the app by name, as docs/settings.md lists them. Changes made in the portal are lost with the next deployment; these stay.')
@secure()
param extraSettings object = {}

@description('Memory of an instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Maximum number of instances. Some regions take less than 40 as a preview only. Azure may exceed it for a short time, and always-ready instances are counted extra: it is no limit of costs.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Number of instances that always run. They cost even without requests, and the first request need not wait for a start.')
@minValue(0)
@maxValue(100)
param alwaysReadyInstances int = 0

@description('How many requests one instance serves at a time. The app\'s own limits follow it.')
@minValue(1)
@maxValue(1000)
param perInstanceConcurrency int = 64

@description('Amount a month for an Azure budget of the group of the app and of each existing account, in the currency of the bill; 0 for none. It sends mails and stops nothing. An existing budget stays as it is.')
@minValue(0)
param azureBudget int = 0

@description('Who gets the mails of the budget. Without anyone there is no budget.')
param azureBudgetEmails array = []

@description('Who gets mails about errors, a resource that is down, and costs. Without anyone there are no alerts.')
param alertEmails array = []

@description('What all clients together may spend in a calendar month, in US dollars; 0 for no budget. An alert comes when 80 % of it is spent. It stops nothing, unless extraSettings has PROXY_BUDGET, which is hard.')
@minValue(0)
param proxyBudgetUsd int = 0

@description('How many days logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionInDays int = 30

@description('GB of logs that are accepted each day; the rest of that day is dropped.')
@minValue(1)
@maxValue(100)
param logDailyCapGb int = 1

@description('Whether the audit logs of the vault and of the accounts go into the workspace.')
param diagnosticSettings bool = false

@description('Whether purging the vault is prevented for the seven days after its deletion. This cannot be undone.')
param vaultPurgeProtection bool = false

@description('Restores the vault that was deleted with this resource group.')
param recoverVault bool = false

@description('Restores the Azure OpenAI account that was deleted with this resource group.')
param restoreOpenAi bool = false

@description('Addresses that may call the app, as 203.0.113.0/24; empty for all. The platform answers 403 to others.')
param allowedIpRanges array = []

@description('Whether storage, vault and Azure OpenAI are reached over private endpoints only. Public access of an existing account is not changed. The subscription must have registered Microsoft.App.')
param privateNetwork bool = false

@description('Addresses of the private network, at least a /23.')
param networkAddressPrefix string = '10.91.0.0/16'

@description('Address of the app\'s package. Empty to deploy no code, as azd does.')
param packageUri string = 'https://github.com/OWNER/azure-openai-functions-proxy/releases/download/v0.1.0/released-package.zip'

@description('Number of pauses of a few seconds before the package is deployed, so that the app\'s role on its storage takes effect.')
@minValue(1)
@maxValue(100)
param pauseCount int = 20

@description('Tags of the resources.')
param tags object = {}

// In small letters, because Azure does not always give an id in the same case.
var token = uniqueString(toLower(resourceGroup().id), nameSuffix)
var accountName = 'openai-${token}'
var appName = 'openai-proxy-${token}'
var componentName = 'appi-${token}'
var networkName = 'vnet-${token}'
var storageName = 'st${token}'
var vaultName = 'kv-${token}'

var defaultModel = loadJsonContent('models.json', 'default')
var defaultDeployments = [
  {
    name: defaultModel
    model: defaultModel
    capacity: 10
  }
]
// A new account is a list of one, like an existing one, so that an empty id is never split.
var listedAccounts = concat(empty(openAiResourceId) ? [] : [{ id: openAiResourceId }], openAiResources)
var makesAccount = empty(listedAccounts)
var accounts = makesAccount ? [{ id: resourceId('Microsoft.CognitiveServices/accounts', accountName) }] : listedAccounts
var keySecrets = map(
  accounts,
  account => length(accounts) == 1 ? 'azure-openai-key' : 'azure-openai-key-${uniqueString(toLower(account.id))}'
)
// Azure evaluates split even where a condition is false, and fails if the text is too short: so there is always some.
var packageParts = split(empty(packageUri) ? 'none/released-package.zip' : packageUri, '/')
// Beside the address of the package, which may be that of another version.
var templateVersion = 'v0.1.0'
var zones = {
  // An existing account may be one of kind AIServices, which has three names.
  account: makesAccount
    ? ['privatelink.openai.azure.com']
    : ['privatelink.openai.azure.com', 'privatelink.cognitiveservices.azure.com', 'privatelink.services.ai.azure.com']
  blob: ['privatelink.blob.${environment().suffixes.storage}']
  table: ['privatelink.table.${environment().suffixes.storage}']
  vault: ['privatelink.vaultcore.azure.net']
}
var hasBudget = azureBudget > 0 && !empty(azureBudgetEmails)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
  properties: {}
}

module storage 'modules/storage.bicep' = {
  name: 'storage-${token}'
  params: {
    name: storageName
    location: location
    privateNetwork: privateNetwork
    tags: tags
  }
}

module storageRoles 'modules/roles.bicep' = {
  name: 'roles-storage-${token}'
  params: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    kind: 'storage'
    resourceName: storage.outputs.name
    roles: [
      'Storage Blob Data Owner'
      'Storage Table Data Contributor'
    ]
  }
}

@batchSize(1)
module pauses 'modules/pause.bicep' = [
  for i in range(0, pauseCount): {
    name: 'pause-${i}-${token}'
    dependsOn: [
      storageRoles
    ]
  }
]

module vault 'modules/vault.bicep' = {
  name: 'vault-${token}'
  params: {
    name: vaultName
    location: location
    purgeProtection: vaultPurgeProtection
    recover: recoverVault
    privateNetwork: privateNetwork
    tags: tags
  }
}

module vaultRoles 'modules/roles.bicep' = {
  name: 'roles-vault-${token}'
  params: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    kind: 'vault'
    resourceName: vault.outputs.name
    roles: [
      'Key Vault Secrets User'
    ]
  }
}

// Without this, the person who deploys owns the vault but cannot read a secret in it, not even the first client key.
module deployerRoles 'modules/roles.bicep' = if (!empty(deployerObjectId)) {
  name: 'roles-deployer-${token}'
  params: {
    principalId: deployerObjectId
    principalType: ''
    kind: 'vault'
    resourceName: vault.outputs.name
    roles: [
      'Key Vault Secrets Officer'
    ]
  }
}

module firstClientKey 'modules/client-key.bicep' = if (!empty(clientName)) {
  name: 'client-key-${token}'
  params: {
    vaultName: vault.outputs.name
    secretName: 'client-${clientName}'
    clientKey: clientKey
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring-${token}'
  params: {
    workspaceName: 'log-${token}'
    componentName: componentName
    location: location
    retentionInDays: logRetentionInDays
    dailyCapGb: logDailyCapGb
    tags: tags
  }
}

module monitoringRoles 'modules/roles.bicep' = {
  name: 'roles-monitoring-${token}'
  params: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    kind: 'component'
    resourceName: monitoring.outputs.componentName
    roles: [
      'Monitoring Metrics Publisher'
    ]
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook-${token}'
  params: {
    displayName: appName
    location: location
    componentId: monitoring.outputs.componentId
    tags: tags
  }
}

module alerts 'modules/alerts.bicep' = if (!empty(alertEmails)) {
  name: 'alerts-${token}'
  params: {
    name: appName
    location: location
    componentId: monitoring.outputs.componentId
    emails: alertEmails
    tags: tags
  }
}

module newAccount 'modules/account.bicep' = if (makesAccount) {
  name: 'openai-${token}'
  params: {
    name: accountName
    location: location
    deployments: empty(modelDeployments) ? defaultDeployments : modelDeployments
    keys: openAiAuth == 'key-vault'
    restore: restoreOpenAi
    privateNetwork: privateNetwork
    tags: tags
  }
}

module accountFacts 'modules/account-facts.bicep' = [
  for (account, i) in accounts: {
    name: 'openai-facts-${i}-${token}'
    params: {
      accountId: account.id
    }
    dependsOn: [
      newAccount
    ]
  }
]

// A condition on what Azure knows only afterwards cannot shorten a list here, but it can in a module.
module openAiProblemTexts 'modules/filled-texts.bicep' = {
  name: 'openai-problems-${token}'
  params: {
    texts: [for (account, i) in accounts: openAiAuth == 'key-vault' ? '' : accountFacts[i].outputs.problem]
  }
}

// Also with keys, because the app needs it to list the deployments.
module accountRoles 'modules/roles.bicep' = [
  for (account, i) in accounts: if (assignOpenAiRole) {
    name: 'roles-openai-${uniqueString(toLower(resourceGroup().id), nameSuffix, toLower(account.id))}'
    scope: resourceGroup(split(account.id, '/')[2], split(account.id, '/')[4])
    params: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      kind: 'account'
      resourceName: last(split(account.id, '/'))
      roles: [
        'Cognitive Services OpenAI User'
      ]
    }
    dependsOn: [
      newAccount
    ]
  }
]

module accountKeys 'modules/openai-key.bicep' = [
  for (account, i) in accounts: if (openAiAuth == 'key-vault') {
    name: 'openai-key-${i}-${token}'
    params: {
      accountId: account.id
      vaultName: vault.outputs.name
      secretName: keySecrets[i]
    }
    dependsOn: [
      newAccount
    ]
  }
]

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network-${token}'
  params: {
    name: networkName
    location: location
    addressPrefix: networkAddressPrefix
    zoneNames: flatten(map(items(zones), zone => zone.value))
    tags: tags
  }
}

module storageEndpoints 'modules/private-endpoint.bicep' = [
  for service in ['blob', 'table']: if (privateNetwork) {
    name: 'endpoint-${service}-${token}'
    params: {
      name: 'pe-${service}-${token}'
      location: location
      subnetId: network!.outputs.endpointSubnetId
      targetId: storage.outputs.id
      service: service
      zoneNames: zones[service]
      tags: tags
    }
  }
]

module vaultEndpoint 'modules/private-endpoint.bicep' = if (privateNetwork) {
  name: 'endpoint-vault-${token}'
  params: {
    name: 'pe-vault-${token}'
    location: location
    subnetId: network!.outputs.endpointSubnetId
    targetId: vault.outputs.id
    service: 'vault'
    zoneNames: zones.vault
    tags: tags
  }
}

module accountEndpoints 'modules/private-endpoint.bicep' = [
  for (account, i) in accounts: if (privateNetwork) {
    name: 'endpoint-openai-${i}-${token}'
    params: {
      name: 'pe-openai-${uniqueString(toLower(account.id))}-${token}'
      location: location
      subnetId: network!.outputs.endpointSubnetId
      targetId: account.id
      service: 'account'
      zoneNames: zones.account
      tags: tags
    }
    dependsOn: [
      newAccount
    ]
  }
]

module functionApp 'modules/function.bicep' = {
  name: 'function-${token}'
  params: {
    name: appName
    planName: 'plan-${token}'
    location: location
    identityId: identity.id
    identityClientId: identity.properties.clientId
    storageName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    tableEndpoint: storage.outputs.tableEndpoint
    componentName: monitoring.outputs.componentName
    vaultUri: vault.outputs.uri
    openAiAuth: openAiAuth
    openAi: [
      for (account, i) in accounts: union(
        {
          name: last(split(account.id, '/'))
          endpoint: accountFacts[i].outputs.endpoint
          resource_id: account.id
          auth: openAiAuth
        },
        openAiAuth == 'key-vault' ? { key_secret: keySecrets[i] } : {},
        account.?settings ?? {}
      )
    ]
    openAiAsList: length(accounts) > 1 || contains(accounts[0], 'settings')
    modelMapper: modelMapper
    defaultDeployment: defaultDeployment
    clientEntraAudiences: clientEntraAudiences
    allowedOrigins: allowedOrigins
    allowedIpRanges: allowedIpRanges
    proxyBudgetUsd: proxyBudgetUsd
    extraSettings: extraSettings
    templateVersion: templateVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    perInstanceConcurrency: perInstanceConcurrency
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    tags: tags
  }
}

module vaultDiagnostics 'modules/diagnostics.bicep' = if (diagnosticSettings) {
  name: 'diagnostics-vault-${token}'
  params: {
    name: appName
    kind: 'vault'
    resourceName: vault.outputs.name
    workspaceId: monitoring.outputs.workspaceId
  }
}

module accountDiagnostics 'modules/diagnostics.bicep' = [
  for (account, i) in accounts: if (diagnosticSettings) {
    name: 'diagnostics-openai-${uniqueString(toLower(resourceGroup().id), nameSuffix, toLower(account.id))}'
    scope: resourceGroup(split(account.id, '/')[2], split(account.id, '/')[4])
    params: {
      name: appName
      kind: 'account'
      resourceName: last(split(account.id, '/'))
      workspaceId: monitoring.outputs.workspaceId
    }
    dependsOn: [
      newAccount
    ]
  }
]

// Last, because the upload needs the role on the storage, and the app's first start everything else.
module package 'modules/package.bicep' = if (!empty(packageUri)) {
  name: 'package-${token}'
  params: {
    functionAppName: functionApp.outputs.name
    packageUri: packageUri
  }
  dependsOn: [
    accountEndpoints
    accountKeys
    accountRoles
    deployerRoles
    firstClientKey
    monitoringRoles
    pauses
    storageEndpoints
    vaultEndpoint
    vaultRoles
  ]
}

// After everything else, so that the app is complete when a budget is refused.
module groupBudget 'modules/budget.bicep' = if (hasBudget) {
  name: 'budget-${token}'
  params: {
    name: appName
    amount: azureBudget
    emails: azureBudgetEmails
    resourceId: ''
  }
  dependsOn: [
    functionApp
    package
  ]
}

// A new account is in the group of the app.
module accountBudgets 'modules/budget.bicep' = [
  for (account, i) in listedAccounts: if (hasBudget) {
    name: 'budget-openai-${uniqueString(toLower(resourceGroup().id), nameSuffix, toLower(account.id))}'
    scope: resourceGroup(split(account.id, '/')[2], split(account.id, '/')[4])
    params: {
      name: '${appName}-${uniqueString(toLower(account.id))}'
      amount: azureBudget
      emails: azureBudgetEmails
      resourceId: account.id
    }
    dependsOn: [
      functionApp
      package
    ]
  }
]

@description('Base URL for OpenAI clients.')
output baseUrl string = 'https://${functionApp.outputs.hostName}/v1'

@description('Address of the function app.')
output functionUrl string = 'https://${functionApp.outputs.hostName}'

@description('Name of the function app.')
output functionAppName string = functionApp.outputs.name

@description('Version of the deployed package.')
output version string = packageParts[length(packageParts) - 2]

@description('Name of the vault with the client keys.')
output keyVaultName string = vault.outputs.name

@description('Command that shows the first client key. The role to read it may take some minutes to work.')
output readKeyCommand string = empty(clientName)
  ? ''
  : 'az keyvault secret show --vault-name ${vault.outputs.name} --name client-${clientName} --query value --output tsv'

@description('Where the portal shows the client keys.')
output readKeyPortal string = '${environment().portal}/#@${tenant().tenantId}/resource${vault.outputs.id}/secrets'

@description('Commands for an administrator of the accounts if this deployment gives the app no role on them.')
output openAiRoleCommands array = [
  for account in (assignOpenAiRole ? [] : accounts): 'az role assignment create --assignee-object-id ${identity.properties.principalId} --assignee-principal-type ServicePrincipal --role "Cognitive Services OpenAI User" --scope ${account.id}'
]

@description('Why the app\'s identity cannot be used for an account: one text for each such account.')
output openAiProblems array = openAiProblemTexts.outputs.filled
