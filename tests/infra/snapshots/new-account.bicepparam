using '../../../infra/resources.bicep'

param packageUri = 'https://github.com/OWNER/NAME/releases/download/v1.2.3/released-package.zip'
