using '../../../infra/resources.bicep'

param openAiResourceId = '/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-ai/providers/Microsoft.CognitiveServices/accounts/team-openai'

param packageUri = 'https://github.com/OWNER/NAME/releases/download/v1.2.3/released-package.zip'
