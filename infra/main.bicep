// For azd and the command line: creates the resource group as well. azd deploys the code itself.
targetScope = 'subscription'

@description('Name of the environment; the resource group is called rg-NAME.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of all resources, best that of the Azure OpenAI account. It must have Flex Consumption.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Object id of the person who may read and write the client keys. Empty for the person who deploys.')
param principalId string = ''

@description('Address of the app\'s package. Empty to deploy no code, as azd does.')
param packageUri string = ''

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

@description('Name of the client that the first client key is for; its secret is called client-NAME. Empty for no key.')
@maxLength(120)
param clientName string = 'first'

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

@description('Number of pauses of a few seconds before the package is deployed, so that the app\'s role on its storage takes effect.')
@minValue(1)
@maxValue(100)
param pauseCount int = 20

@description('Tags of the resources.')
param tags object = {}

var allTags = union(tags, {
  'azd-env-name': environmentName
})

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: allTags
}

module proxy 'resources.bicep' = {
  name: 'openai-proxy-${uniqueString(nameSuffix)}'
  scope: group
  params: {
    location: location
    deployerObjectId: empty(principalId) ? deployer().objectId : principalId
    packageUri: packageUri
    nameSuffix: nameSuffix
    openAiResourceId: openAiResourceId
    openAiResources: openAiResources
    modelDeployments: modelDeployments
    openAiAuth: openAiAuth
    assignOpenAiRole: assignOpenAiRole
    clientName: clientName
    clientEntraAudiences: clientEntraAudiences
    allowedOrigins: allowedOrigins
    modelMapper: modelMapper
    defaultDeployment: defaultDeployment
    extraSettings: extraSettings
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    perInstanceConcurrency: perInstanceConcurrency
    azureBudget: azureBudget
    azureBudgetEmails: azureBudgetEmails
    alertEmails: alertEmails
    proxyBudgetUsd: proxyBudgetUsd
    logRetentionInDays: logRetentionInDays
    logDailyCapGb: logDailyCapGb
    diagnosticSettings: diagnosticSettings
    vaultPurgeProtection: vaultPurgeProtection
    recoverVault: recoverVault
    restoreOpenAi: restoreOpenAi
    allowedIpRanges: allowedIpRanges
    privateNetwork: privateNetwork
    networkAddressPrefix: networkAddressPrefix
    pauseCount: pauseCount
    tags: allTags
  }
}

@description('Name of the resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the function app, where azd deploys the code.')
output SERVICE_API_NAME string = proxy.outputs.functionAppName

@description('Base URL for OpenAI clients.')
output BASE_URL string = proxy.outputs.baseUrl

@description('Name of the vault with the client keys.')
output KEY_VAULT_NAME string = proxy.outputs.keyVaultName

@description('Command that shows the first client key.')
output READ_KEY_COMMAND string = proxy.outputs.readKeyCommand

@description('Commands for an administrator of the accounts if this deployment gives the app no role on them.')
output OPENAI_ROLE_COMMANDS array = proxy.outputs.openAiRoleCommands
