@description('Any text.')
param text string

output text string = text
