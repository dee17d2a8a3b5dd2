param location string
param tags object
param namespaceName string
param topic string

@description('Topics beside it, with as many partitions.')
param furtherTopics array

@minValue(1)
@maxValue(32)
@description('Fixed once the topic exists.')
param partitions int

@description('Topics that the pipeline writes; empty names are passed over.')
param resultTopics array

@minValue(1)
@maxValue(40)
param throughputUnits int

@minValue(1)
@maxValue(40)
@description('The namespace grows up to here by itself, and never shrinks by itself.')
param throughputUnitsMaximum int

@minValue(1)
@maxValue(168)
param retentionHours int
param workspaceId string

resource ns 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: namespaceName
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: throughputUnits }
  properties: {
    kafkaEnabled: true
    isAutoInflateEnabled: true
    maximumThroughputUnits: throughputUnitsMaximum
    minimumTlsVersion: '1.2'
    // The Kafka extension of Functions signs in with SASL PLAIN only, which is a key.
    disableLocalAuth: false
    publicNetworkAccess: 'Enabled'
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: ns
  name: topic
  properties: {
    partitionCount: partitions
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: retentionHours }
  }
}

resource furtherHubs 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = [for name in furtherTopics: {
  parent: ns
  name: name
  properties: {
    partitionCount: partitions
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: retentionHours }
  }
}]

resource results 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = [for name in filter(resultTopics, name => !empty(name)): {
  parent: ns
  name: name
  properties: {
    partitionCount: partitions
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: retentionHours }
  }
}]

// The pipeline reads its topic, writes results and dead letters, and sends records again from quarantine.
resource listen 'Microsoft.EventHub/namespaces/authorizationRules@2024-01-01' = {
  parent: ns
  name: 'pipeline'
  properties: { rights: ['Listen', 'Send'] }
}

// For those who send events, and for nothing else.
resource send 'Microsoft.EventHub/namespaces/eventhubs/authorizationRules@2024-01-01' = {
  parent: hub
  name: 'producers'
  properties: { rights: ['Send'] }
}

resource furtherSend 'Microsoft.EventHub/namespaces/eventhubs/authorizationRules@2024-01-01' = [for i in range(0, length(furtherTopics)): {
  parent: furtherHubs[i]
  name: 'producers'
  properties: { rights: ['Send'] }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: ns
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output namespaceName string = ns.name
output namespaceId string = ns.id
output brokers string = '${ns.name}.servicebus.windows.net:9093'
