// The app's code. The file has to be called released-package.zip:
// https://learn.microsoft.com/azure/azure-functions/functions-infrastructure-as-code#deploy-your-code

@description('Name of the function app.')
param functionAppName string

@description('Public https address of the package, which holds its dependencies.')
param packageUri string

resource package 'Microsoft.Web/sites/extensions@2022-09-01' = {
  name: '${functionAppName}/onedeploy'
  properties: {
    packageUri: packageUri
    remoteBuild: false
  }
}
