"""One run by several processes, on one machine or more: torch's DistributedDataParallel under its own launcher."""
