// Leaves the empty texts out of a list. Changes nothing.

@description('Texts, some of them empty.')
param texts array

@description('Texts that are not empty.')
output filled array = filter(texts, text => !empty(text))
