// The password of the schema registry as a secret of the vault.
param vaultName string

@secure()
param password string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'schema-registry-password'
  properties: {
    contentType: 'schema registry password'
    value: password
  }
}

output secretUri string = secret.properties.secretUriWithVersion
