param text string
param list array

module below 'two.bicep' = {
  name: 'below'
}

output text string = '${text}${length(list)}'
