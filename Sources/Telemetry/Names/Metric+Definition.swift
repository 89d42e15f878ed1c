extension Metric {
    /// The table of metrics.
    package var definition: MetricDefinition {
        switch self {
        case .eventsHandedOver:
            .init(
                .counter, .events, labels: ["consumer"],
                "Events read and handed over for processing, again after a restart or a loss of ownership.")
        case .eventsDone:
            .init(.counter, .events, labels: ["consumer"], "Events processed: committed, or acknowledged by Kafka.")
        case .batchEvents:
            .init(.counts, .events, labels: ["consumer"], "Events per batch handed over; its count is that of batches.")
        case .fetchTime:
            .init(.times, .seconds, labels: ["consumer"], "Time of a read from the events table.")
        case .checkpointTime:
            .init(.times, .seconds, labels: ["consumer"], "Time of a write of checkpoints.")
        case .checkpointPosition:
            .init(
                .gauge, .positions, labels: ["consumer"],
                "The lowest position of the owned segments behind which everything is done.")
        case .lagEvents:
            .init(
                .gauge, .events, labels: ["consumer"],
                "Positions behind the checkpoint position: as many events wait at most, 0 without segments.")
        case .ownedSegments:
            .init(.gauge, .segments, labels: ["consumer"], "Segments that this process owns.")
        case .rebalances:
            .init(.counter, .occurrences, labels: ["consumer"], "Times that segments were claimed or given up.")
        case .lostSegments:
            .init(.counter, .segments, labels: ["consumer"], "Segments that other workers took away.")
        case .databaseConnected:
            .init(.gauge, .truth, "Whether the last heartbeat reached the database.")
        case .horizonPosition:
            .init(.gauge, .positions, "The settled horizon: no event at or below it can still appear.")
        case .latestPosition:
            .init(.gauge, .positions, "The highest position seen in the events table or drawn for it.")
        case .horizonWaiting:
            .init(.gauge, .seconds, "How long the horizon has waited for an open transaction, 0 if it does not.")
        case .horizonHolds:
            .init(.counter, .occurrences, "Times that the horizon was held back for longer than the threshold.")
        case .wakeups:
            .init(.counter, .occurrences, labels: ["source"], "Times that the consumers were woken, by what woke them.")
        case .recordsPublished:
            .init(.counter, .events, labels: ["consumer"], "Records acknowledged by Kafka.")
        case .acknowledgeTime:
            .init(
                .times, .seconds, labels: ["consumer"],
                "Time from handing a batch to the Kafka client to the acknowledgement of all its records.")
        case .retries:
            .init(
                .counter, .occurrences, labels: ["consumer", "class"],
                "Failed attempts by class: retry passes by itself, refused must be mended, poison is rejected for good."
            )
        case .producerRuns:
            .init(
                .counter, .occurrences, labels: ["consumer"], "Kafka producers built: the first, and one per failure.")
        case .deliveryStatus:
            .init(
                .gauge, .truth, labels: ["consumer", "status"],
                "1 for the status that delivery is in: flowing, waiting, refused or halted.")
        case .residentMemory:
            .init(.gauge, .bytes, "Memory of the process that is in RAM.")
        }
    }
}
