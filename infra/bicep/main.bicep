targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; it seeds the hash in every resource name.')
param environmentName string

@description('Region of all resources.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Object id of who deploys; may read the lake, the results and the task hub. Empty: nobody.')
param principalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('What principalId is; a service principal in a build pipeline.')
param principalType string = 'User'

@allowed(['dev', 'standard', 'large'])
@description('Which column of presets.json; docs/azure.md says what each is for.')
param size string = 'dev'

@description('Object id of the group of people who open Power BI; they may read the lake and the results. Empty: nobody.')
param readerGroupId string = ''

@description('Who gets alerts by e-mail. Empty: alerts show in the portal only.')
param alertEmail string = ''

@allowed(['eventhubs', 'external'])
@description('eventhubs makes a namespace with its Kafka endpoint; external reads from brokers that exist (Confluent Cloud, self-hosted).')
param kafkaProvider string = 'eventhubs'

@description('host:port, several separated by commas; for external brokers only.')
param kafkaBrokers string = ''

@description('SASL user name (Confluent: the API key); for external brokers only.')
param kafkaUser string = ''

@secure()
@description('SASL password (Confluent: the API secret); for external brokers only.')
param kafkaPassword string = ''

@minLength(1)
@description('The topic that is read; made in the namespace with eventhubs, must exist with external.')
param kafkaTopic string = 'events'

@description('A topic of device readings that is read too; made or expected like kafkaTopic. Empty: none.')
param sensorsTopic string = ''

@description('A topic of purchases that is read too; made or expected like kafkaTopic. Empty: none.')
param purchasesTopic string = ''

@minLength(1)
@description('Consumer group of the trigger.')
param kafkaGroup string = 'tidemark'

@allowed(['primary', 'secondary'])
@description('Which key of the namespace the pipeline uses; switch it to rotate the other one.')
param kafkaKey string = 'primary'

@allowed(['vault', 'setting'])
@description('vault: the app setting is a Key Vault reference. setting: the secret itself, should the scale controller not resolve the reference.')
param kafkaSecretIn string = 'vault'

@allowed(['scheduler', 'storage'])
@description('Where durable entities are kept: the Durable Task Scheduler, or the host\'s storage account.')
param durableBackend string = 'scheduler'

@minLength(3)
@maxLength(63)
@description('Container of the Delta tables; a new pipeline version wants one of its own, since both would write to the same tables.')
param lakeContainer string = 'lake'

@minLength(1)
@maxLength(16)
@description('First part of every stored id; a new value computes everything anew beside the old.')
param pipelineVersion string = 'v1'

@description('Product catalog that events are joined with: blob:PATH, delta:PATH, table:NAME or kafka:TOPIC. Empty: none; without customers and countries no enriched table.')
param catalog string = ''

@description('Customers, by user_id, that events are joined with; a place as catalog. Empty: none.')
param customers string = ''

@description('Countries, by country, that events are joined with; a place as catalog. Empty: none.')
param countries string = ''

@description('Topic that the rows of event_counts go to. Empty: none.')
param eventCountsTopic string = ''

@description('Topic that fraud alerts and anomalies go to. Empty: none.')
param alertsTopic string = ''

@description('Quarantined records go to the topic of this name behind kafkaTopic as well, such as .dlq. Empty: to none.')
param deadLetterSuffix string = ''

@description('Schema registry (Confluent HTTP interface) that framed records name their schema by. Empty: none.')
param schemaRegistry string = ''

@description('User name for the registry. Empty: it asks for none.')
param schemaRegistryUser string = ''

@secure()
@description('Password for the registry.')
param schemaRegistryPassword string = ''

@description('Raise it when the topic was deleted and made again. Text, since azd hands environment values over as text.')
param topicGeneration string = '1'

@description('As topicGeneration, of sensorsTopic.')
param sensorsGeneration string = '1'

@description('As topicGeneration, of purchasesTopic.')
param purchasesGeneration string = '1'

@description('Trigger intervals of queries in place of those of their definitions, e.g. daily_revenue=1m; several separated by commas. Empty: those of the definitions.')
param queryTriggers string = ''

@description('Where the first start begins to read: earliest, latest, a time such as 2026-11-01T00:00:00Z, or offsets such as 0:120,1:4500. Later it has no effect.')
param startFrom string = 'earliest'

@description('As startFrom, of sensorsTopic. Empty: as startFrom.')
param sensorsStartFrom string = ''

@description('As startFrom, of purchasesTopic. Empty: as startFrom.')
param purchasesStartFrom string = ''

@allowed(['continue', 'stop'])
@description('Where Kafka has lost records before they were read: go on behind them, recorded and alerted, or stand before them until somebody accepts it.')
param onDataLoss string = 'continue'

var abbreviations = loadJsonContent('./abbreviations.json')
var presets = loadJsonContent('./presets.json')
var preset = presets[size]
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var usesEventHubs = kafkaProvider == 'eventhubs'
var usesRegistryUser = !empty(schemaRegistryUser)
var usesScheduler = durableBackend == 'scheduler'
var deployer = empty(principalId) ? [] : [{ id: principalId, type: principalType }]
var readers = concat(deployer, empty(readerGroupId) ? [] : [{ id: readerGroupId, type: 'Group' }])

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: '${abbreviations.resourceGroup}${environmentName}'
  location: location
  tags: tags
}

module identity './modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.identity}pipeline-${token}'
  }
}

module monitoring './modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceName: '${abbreviations.logWorkspace}${token}'
    appInsightsName: '${abbreviations.applicationInsights}${token}'
    dailyGb: preset.logDailyGb
    retentionDays: preset.logRetentionDays
  }
}

module storage './modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    location: location
    tags: tags
    sku: preset.storageSku
    hostAccountName: '${abbreviations.storageAccount}${token}'
    lakeAccountName: '${abbreviations.storageAccount}lake${token}'
    resultsAccountName: '${abbreviations.storageAccount}res${token}'
    deploymentContainer: 'app-package-${take(token, 7)}'
    lakeContainer: lakeContainer
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault './modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    location: location
    tags: tags
    vaultName: '${abbreviations.keyVault}${token}'
    workspaceId: monitoring.outputs.workspaceId
  }
}

module eventHubs './modules/eventhubs.bicep' = if (usesEventHubs) {
  name: 'eventhubs'
  scope: group
  params: {
    location: location
    tags: tags
    namespaceName: '${abbreviations.eventHubNamespace}${token}'
    topic: kafkaTopic
    furtherTopics: concat(empty(sensorsTopic) ? [] : [sensorsTopic], empty(purchasesTopic) ? [] : [purchasesTopic])
    resultTopics: [eventCountsTopic, alertsTopic, empty(deadLetterSuffix) ? '' : '${kafkaTopic}${deadLetterSuffix}']
    partitions: preset.partitions
    throughputUnits: preset.throughputUnits
    throughputUnitsMaximum: preset.throughputUnitsMaximum
    retentionHours: preset.retentionHours
    workspaceId: monitoring.outputs.workspaceId
  }
}

module kafkaSecret './modules/kafkasecret.bicep' = {
  name: 'kafka-secret'
  scope: group
  params: {
    vaultName: vault.outputs.vaultName
    namespaceName: usesEventHubs ? eventHubs!.outputs.namespaceName : ''
    key: kafkaKey
    externalPassword: kafkaPassword
  }
}

module registrySecret './modules/registrysecret.bicep' = if (usesRegistryUser) {
  name: 'registry-secret'
  scope: group
  params: {
    vaultName: vault.outputs.vaultName
    password: schemaRegistryPassword
  }
}

module scheduler './modules/scheduler.bicep' = if (usesScheduler) {
  name: 'scheduler'
  scope: group
  params: {
    location: location
    tags: tags
    schedulerName: '${abbreviations.scheduler}${token}'
    taskHubName: 'tidemark'
    sku: preset.schedulerSku
    capacity: preset.schedulerCapacity
  }
}

module roles './modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    appPrincipalId: identity.outputs.principalId
    readers: readers
    hostAccountName: storage.outputs.hostAccountName
    lakeAccountName: storage.outputs.lakeAccountName
    resultsAccountName: storage.outputs.resultsAccountName
    appInsightsName: monitoring.outputs.appInsightsName
    vaultName: vault.outputs.vaultName
    schedulerName: usesScheduler ? scheduler!.outputs.schedulerName : ''
    usesStorageBackend: !usesScheduler
  }
}

module app './modules/app.bicep' = {
  name: 'app'
  scope: group
  // Key Vault references and the deployment container must be readable when the app starts.
  dependsOn: [roles]
  params: {
    location: location
    tags: tags
    serviceName: 'pipeline'
    planName: '${abbreviations.plan}${token}'
    appName: '${abbreviations.functionApp}${token}'
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostBlobEndpoint: storage.outputs.hostBlobEndpoint
    hostQueueEndpoint: storage.outputs.hostQueueEndpoint
    hostTableEndpoint: storage.outputs.hostTableEndpoint
    lakeBlobEndpoint: storage.outputs.lakeBlobEndpoint
    lakeContainer: storage.outputs.lakeContainer
    resultsTableEndpoint: storage.outputs.resultsTableEndpoint
    deploymentContainer: storage.outputs.deploymentContainer
    appInsightsName: monitoring.outputs.appInsightsName
    workspaceId: monitoring.outputs.workspaceId
    schedulerEndpoint: usesScheduler ? scheduler!.outputs.endpoint : ''
    taskHubName: 'tidemark'
    brokerList: usesEventHubs ? eventHubs!.outputs.brokers : kafkaBrokers
    kafkaTopic: kafkaTopic
    sensorsTopic: sensorsTopic
    purchasesTopic: purchasesTopic
    kafkaGroup: kafkaGroup
    kafkaUser: usesEventHubs ? '$ConnectionString' : kafkaUser
    kafkaSecretUri: kafkaSecret.outputs.secretUri
    kafkaSecretIn: kafkaSecretIn
    kafkaKey: kafkaKey
    kafkaPassword: kafkaPassword
    namespaceName: usesEventHubs ? eventHubs!.outputs.namespaceName : ''
    pipelineVersion: pipelineVersion
    topicGeneration: topicGeneration
    sensorsGeneration: sensorsGeneration
    purchasesGeneration: purchasesGeneration
    queryTriggers: queryTriggers
    startFrom: startFrom
    sensorsStartFrom: sensorsStartFrom
    purchasesStartFrom: purchasesStartFrom
    onDataLoss: onDataLoss
    catalog: catalog
    customers: customers
    countries: countries
    eventCountsTopic: eventCountsTopic
    alertsTopic: alertsTopic
    deadLetterSuffix: deadLetterSuffix
    schemaRegistry: schemaRegistry
    schemaRegistryUser: schemaRegistryUser
    schemaRegistrySecretUri: usesRegistryUser ? registrySecret!.outputs.secretUri : ''
    presetSettings: preset.settings
    instanceMemoryMB: preset.instanceMemoryMB
    maximumInstances: preset.maximumInstances
    alwaysReadyIngest: preset.alwaysReadyIngest
    alwaysReadyTick: preset.alwaysReadyTick
    alwaysReadyDurable: usesScheduler ? 0 : 1
  }
}

module alerts './modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    actionGroupName: '${abbreviations.actionGroup}${token}'
    alertEmail: alertEmail
    workspaceId: monitoring.outputs.workspaceId
    namespaceId: usesEventHubs ? eventHubs!.outputs.namespaceId : ''
  }
}

module workbook './modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = app.outputs.name
output SERVICE_PIPELINE_NAME string = app.outputs.name
output SERVICE_PIPELINE_ENDPOINT_URL string = app.outputs.uri
output KAFKA_BROKER_LIST string = usesEventHubs ? eventHubs!.outputs.brokers : kafkaBrokers
output KAFKA_TOPIC string = kafkaTopic
output SENSORS_TOPIC string = sensorsTopic
output PURCHASES_TOPIC string = purchasesTopic
output EVENT_HUB_NAMESPACE string = usesEventHubs ? eventHubs!.outputs.namespaceName : ''
output HOST_STORAGE_ACCOUNT string = storage.outputs.hostAccountName
output LAKE_STORAGE_ACCOUNT string = storage.outputs.lakeAccountName
output LAKE_CONTAINER string = storage.outputs.lakeContainer
output LAKE_ENDPOINT string = storage.outputs.lakeBlobEndpoint
output RESULTS_STORAGE_ACCOUNT string = storage.outputs.resultsAccountName
output RESULTS_ENDPOINT string = storage.outputs.resultsTableEndpoint
output LEDGER_ENDPOINT string = storage.outputs.hostTableEndpoint
output KEY_VAULT_NAME string = vault.outputs.vaultName
output APPLICATION_INSIGHTS_NAME string = monitoring.outputs.appInsightsName
output LOG_WORKSPACE_NAME string = monitoring.outputs.workspaceName
output SCHEDULER_ENDPOINT string = usesScheduler ? scheduler!.outputs.endpoint : ''
output TASK_HUB_NAME string = 'tidemark'
