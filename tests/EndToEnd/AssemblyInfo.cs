// Every test starts several processes; side by side they would only measure each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
