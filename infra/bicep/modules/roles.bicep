// Who may do what with data. The app: what its SDK calls need and no more. Readers: read the lake and the results, look at the task hub.
param appPrincipalId string

@description('[{ id, type }] of those who read results: a group of people, whoever deployed.')
param readers array
param hostAccountName string
param lakeAccountName string
param resultsAccountName string
param appInsightsName string
param vaultName string

@description('Empty when durable entities are kept in the host\'s storage account.')
param schedulerName string
param usesStorageBackend bool

var role = loadJsonContent('../roles.json')
var usesScheduler = !empty(schedulerName)

resource host 'Microsoft.Storage/storageAccounts@2025-01-01' existing = { name: hostAccountName }
resource lake 'Microsoft.Storage/storageAccounts@2025-01-01' existing = { name: lakeAccountName }
resource results 'Microsoft.Storage/storageAccounts@2025-01-01' existing = { name: resultsAccountName }
resource appInsights 'Microsoft.Insights/components@2020-02-02' existing = { name: appInsightsName }
resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = { name: vaultName }
resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' existing = if (usesScheduler) { name: usesScheduler ? schedulerName : 'none' }

// The host: leases, timers, keys, the deployment package. It wants Owner, as it sets leases and conditions on blobs of its own.
resource hostBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, appPrincipalId, role.storageBlobDataOwner)
  scope: host
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageBlobDataOwner)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The ledger, and the instances of durable entities with the storage backend.
resource hostTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, appPrincipalId, role.storageTableDataContributor)
  scope: host
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageTableDataContributor)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource hostQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (usesStorageBackend) {
  name: guid(host.id, appPrincipalId, role.storageQueueDataContributor)
  scope: host
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageQueueDataContributor)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource lakeBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(lake.id, appPrincipalId, role.storageBlobDataContributor)
  scope: lake
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageBlobDataContributor)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource resultTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, appPrincipalId, role.storageTableDataContributor)
  scope: results
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageTableDataContributor)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource telemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(appInsights.id, appPrincipalId, role.monitoringMetricsPublisher)
  scope: appInsights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.monitoringMetricsPublisher)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource secrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, role.keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.keyVaultSecretsUser)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource entities 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (usesScheduler) {
  name: guid(scheduler.id, appPrincipalId, role.durableTaskDataContributor)
  scope: scheduler
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.durableTaskDataContributor)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource lakeReaders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for reader in readers: {
  name: guid(lake.id, reader.id, role.storageBlobDataReader)
  scope: lake
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageBlobDataReader)
    principalId: reader.id
    principalType: reader.type
  }
}]

resource resultReaders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for reader in readers: {
  name: guid(results.id, reader.id, role.storageTableDataReader)
  scope: results
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageTableDataReader)
    principalId: reader.id
    principalType: reader.type
  }
}]
