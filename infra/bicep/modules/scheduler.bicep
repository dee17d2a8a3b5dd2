param location string
param tags object
param schedulerName string
param taskHubName string

@allowed(['Consumption', 'Dedicated'])
param sku string

@description('Capacity units of Dedicated: 1 to 3, of which 3 are highly available. 0 with Consumption.')
param capacity int

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: schedulerName
  location: location
  tags: tags
  properties: {
    // An empty list would let nobody in; who may do what is a matter of roles.
    ipAllowlist: ['0.0.0.0/0']
    sku: sku == 'Dedicated' ? { name: sku, capacity: capacity } : { name: sku }
  }

  resource hub 'taskHubs' = {
    name: taskHubName
  }
}

output schedulerName string = scheduler.name
output endpoint string = scheduler.properties.endpoint
