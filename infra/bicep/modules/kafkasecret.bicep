// The password of the Kafka sign-in as a secret of the vault: the namespace's connection string, or what external brokers were given.
param vaultName string

@description('Empty with external brokers.')
param namespaceName string

@allowed(['primary', 'secondary'])
param key string

@secure()
param externalPassword string

var usesEventHubs = !empty(namespaceName)

resource listen 'Microsoft.EventHub/namespaces/authorizationRules@2024-01-01' existing = if (usesEventHubs) {
  name: '${usesEventHubs ? namespaceName : 'none'}/pipeline'
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'kafka-password'
  properties: {
    contentType: usesEventHubs ? 'Event Hubs connection string' : 'SASL password'
    value: usesEventHubs ? (key == 'primary' ? listen!.listKeys().primaryConnectionString : listen!.listKeys().secondaryConnectionString) : externalPassword
  }
}

// With its version: a new secret is a new address, so the app setting changes and the app reads it at once.
output secretUri string = secret.properties.secretUriWithVersion
