// Runs wait a good part of their time: for input at its rate, for services, for timers. Two side by side fill two cores; more would only measure each other.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
