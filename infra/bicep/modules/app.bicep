param location string
param tags object

@description('Key of the service in azure.yaml; azd finds the app by this tag.')
param serviceName string
param planName string
param appName string
param identityId string
param identityClientId string
param hostBlobEndpoint string
param hostQueueEndpoint string
param hostTableEndpoint string
param lakeBlobEndpoint string
param lakeContainer string
param resultsTableEndpoint string
param deploymentContainer string
param appInsightsName string
param workspaceId string

@description('Empty when durable entities are kept in the host\'s storage account.')
param schedulerEndpoint string
param taskHubName string
param brokerList string
param kafkaTopic string

@description('Empty: not read.')
param sensorsTopic string

@description('Empty: not read.')
param purchasesTopic string
param kafkaGroup string
param kafkaUser string
param kafkaSecretUri string

@allowed(['vault', 'setting'])
param kafkaSecretIn string

@allowed(['primary', 'secondary'])
param kafkaKey string

@secure()
@description('Password of external brokers.')
param kafkaPassword string

@description('Empty with external brokers.')
param namespaceName string
param pipelineVersion string
param topicGeneration string
param sensorsGeneration string
param purchasesGeneration string
param queryTriggers string
param startFrom string
param sensorsStartFrom string
param purchasesStartFrom string
param onDataLoss string

@description('Empty: no catalog.')
param catalog string

@description('Empty: no customers.')
param customers string

@description('Empty: no countries.')
param countries string
param eventCountsTopic string
param alertsTopic string
param deadLetterSuffix string
param schemaRegistry string
param schemaRegistryUser string

@description('Empty when the registry asks for no sign-in.')
param schemaRegistrySecretUri string

@description('TickSchedule, DeltaInterval and CheckpointInterval, from presets.json.')
param presetSettings object

@allowed([512, 2048, 4096])
param instanceMemoryMB int

@minValue(1)
@maxValue(1000)
param maximumInstances int
param alwaysReadyIngest int
param alwaysReadyTick int
param alwaysReadyDurable int

var usesEventHubs = !empty(namespaceName)
var usesScheduler = !empty(schedulerEndpoint)

resource listen 'Microsoft.EventHub/namespaces/authorizationRules@2024-01-01' existing = if (usesEventHubs) {
  name: '${usesEventHubs ? namespaceName : 'none'}/pipeline'
}

resource appInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: appInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: appName
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: { minTlsVersion: '1.2', ftpsState: 'Disabled' }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobEndpoint}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        // Every Kafka trigger and every timer has instances of its own; all durable triggers share theirs.
        alwaysReady: concat(
          alwaysReadyIngest > 0 ? [{ name: 'function:Ingest', instanceCount: alwaysReadyIngest }] : [],
          alwaysReadyTick > 0 ? [{ name: 'function:Tick', instanceCount: alwaysReadyTick }] : [],
          alwaysReadyDurable > 0 ? [{ name: 'durable', instanceCount: alwaysReadyDurable }] : []
        )
        triggers: { http: { perInstanceConcurrency: 16 } }
      }
      runtime: { name: 'dotnet-isolated', version: '10.0' }
    }
  }

  resource settings 'config' = {
    name: 'appsettings'
    properties: union(
      {
        AzureWebJobsStorage__credential: 'managedidentity'
        AzureWebJobsStorage__clientId: identityClientId
        AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
        AzureWebJobsStorage__queueServiceUri: hostQueueEndpoint
        AzureWebJobsStorage__tableServiceUri: hostTableEndpoint
        // The host's own page at / would hide ours.
        AzureWebJobsDisableHomepage: 'true'
        APPLICATIONINSIGHTS_CONNECTION_STRING: appInsights.properties.ConnectionString
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
        TASKHUB_NAME: taskHubName
        DURABLE_TASK_SCHEDULER_CONNECTION_STRING: usesScheduler ? 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}' : ''
        BrokerList: brokerList
        KafkaTopic: kafkaTopic
        SensorsTopic: sensorsTopic
        PurchasesTopic: purchasesTopic
        // A trigger without a topic would keep the whole app from starting.
        'AzureWebJobs.IngestSensors.Disabled': empty(sensorsTopic) ? 'true' : 'false'
        'AzureWebJobs.IngestPurchases.Disabled': empty(purchasesTopic) ? 'true' : 'false'
        KafkaGroup: kafkaGroup
        KafkaProtocol: 'SaslSsl'
        KafkaMechanism: 'Plain'
        KafkaUser: kafkaUser
        KafkaPassword: kafkaSecretIn == 'vault' ? '@Microsoft.KeyVault(SecretUri=${kafkaSecretUri})' : usesEventHubs ? (kafkaKey == 'primary' ? listen!.listKeys().primaryConnectionString : listen!.listKeys().secondaryConnectionString) : kafkaPassword
        KafkaCaLocation: ''
        KafkaTimeout: '30s'
        PipelineVersion: pipelineVersion
        TopicGeneration: topicGeneration
        SensorsGeneration: sensorsGeneration
        PurchasesGeneration: purchasesGeneration
        StartFrom: startFrom
        SensorsStartFrom: sensorsStartFrom
        PurchasesStartFrom: purchasesStartFrom
        OnDataLoss: onDataLoss
        TablesConnection__tableServiceUri: hostTableEndpoint
        TablesConnection__clientId: identityClientId
        ResultsConnection__tableServiceUri: resultsTableEndpoint
        ResultsConnection__clientId: identityClientId
        LakeConnection__blobServiceUri: lakeBlobEndpoint
        LakeConnection__clientId: identityClientId
        LakeContainer: lakeContainer
        LedgerTable: 'TidemarkLedger'
        TickSchedule: presetSettings.TickSchedule
        MaintainSchedule: '0 0 * * * *'
        DeltaInterval: presetSettings.DeltaInterval
        QueryTriggers: queryTriggers
        ResultsRetention: '7d'
        CheckpointInterval: presetSettings.CheckpointInterval
        IdleTimeout: '30s'
        MaxFutureSkew: '1h'
        DeduplicateWithin: '1h'
        DeduplicationMaxIds: '8000000'
        Catalog: catalog
        Customers: customers
        Countries: countries
        CatalogRefresh: '1m'
        CatalogJoin: 'left'
        CatalogStart: 'wait'
        SchemaRegistry: schemaRegistry
        SchemaRegistryUser: schemaRegistryUser
        SchemaRegistryPassword: empty(schemaRegistryUser) ? '' : '@Microsoft.KeyVault(SecretUri=${schemaRegistrySecretUri})'
        EventCountsTopic: eventCountsTopic
        AlertsTopic: alertsTopic
        DeadLetterSuffix: deadLetterSuffix
        // Event Hubs takes no other compression than Gzip, and counts bytes as they were before.
        KafkaCompression: usesEventHubs ? 'None' : 'Lz4'
        InlineSegmentLimit: '256KB'
        MaxRangeRecords: '20000'
        MaxOpenRanges: '2000'
        WatchdogTimeout: '60s'
        LeaseDuration: '15s'
        AlertLag: '100000'
        AlertQuarantinePercent: '5'
        AlertSilence: '15m'
        AlertHeld: '10m'
      },
      // Event Hubs ends sessions on its own terms when the client's timeout is shorter.
      usesEventHubs ? { AzureFunctionsJobHost__extensions__kafka__sessionTimeoutMs: '30000' } : {},
      // host.json names the scheduler; these values take its place.
      usesScheduler ? {} : {
        AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'AzureStorage'
        AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionName: 'AzureWebJobsStorage'
        AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'AzureWebJobsStorage'
        AzureFunctionsJobHost__extensions__durableTask__storageProvider__maxQueuePollingInterval: '00:00:05'
        AzureFunctionsJobHost__extensions__durableTask__storageProvider__partitionCount: '4'
      }
    )
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

// The logs of the functions go to Application Insights; the same lines here would be paid for twice.
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: app
  properties: {
    workspaceId: workspaceId
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}'
