// Does nothing, which takes some seconds. A chain of these gives new roles the time to take effect; a deployment script
// that sleeps would need a storage account with keys: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
