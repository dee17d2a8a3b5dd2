param location string
param tags object
param actionGroupName string

@description('Empty: nobody is sent anything.')
param alertEmail string
param workspaceId string

@description('Empty with external brokers.')
param namespaceId string

var rules = loadJsonContent('../alerts.json')

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'tidemark'
    enabled: true
    emailReceivers: empty(alertEmail) ? [] : [{ name: 'owner', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

// A fresh workspace has none of the tables yet, so the queries cannot be checked when the rules are made.
resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'tidemark-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: rule.evaluationFrequency
    windowSize: rule.windowSize
    autoMitigate: true
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [group.id] }
  }
}]

resource throttled 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(namespaceId)) {
  name: 'tidemark-throttled'
  location: 'global'
  tags: tags
  properties: {
    description: 'Event Hubs refuses requests: the throughput units are used up. Raise them, or their maximum.'
    severity: 2
    enabled: true
    scopes: [namespaceId]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'throttled'
          metricName: 'ThrottledRequests'
          metricNamespace: 'Microsoft.EventHub/namespaces'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    autoMitigate: true
    actions: [{ actionGroupId: group.id }]
  }
}
