extension Metric {
    /// The table of metrics.
    package var definition: MetricDefinition {
        switch self {
        case .eventsHandedOver:
            .init(
                .counter, .events, labels: ["consumer"],
                "Events read and handed over for processing, again after a restart or a loss of ownership.")
        case .eventsFiltered:
            .init(
                .counter, .events, labels: ["consumer"],
                "Events read that the consumer's filter left out: by event type, or by values in payload or metadata. What "
                    + "contexts and aggregate types leave out is not counted, nor what PostgreSQL left out while it caught up."
            )
        case .eventsDone:
            .init(.counter, .events, labels: ["consumer"], "Events processed: committed, or acknowledged by Kafka.")
        case .batchEvents:
            .init(.counts, .events, labels: ["consumer"], "Events per batch handed over; its count is that of batches.")
        case .batchBytes:
            .init(.sizes, .bytes, labels: ["consumer"], "Memory per batch handed over.")
        case .readTime:
            .init(
                .times, .seconds, labels: ["by"],
                "Time of a look at the log, or of a read of it: by the head, which follows new events, or by a lane, which "
                    + "catches up.")
        case .readEvents:
            .init(
                .counter, .events, labels: ["by"],
                "Events read from the events table, once for all consumers: by the head, or by a lane.")
        case .checkpointTime:
            .init(.times, .seconds, labels: ["consumer"], "Time of a write of checkpoints.")
        case .checkpointPosition:
            .init(
                .gauge, .positions, labels: ["consumer"],
                "The lowest position of the owned segments behind which everything is done.")
        case .latency:
            .init(
                .times, .seconds, labels: ["consumer"],
                "Age of the first event of each batch, by its created_at, when the batch is processed: from the commit to "
                    + "the acknowledgement, as far as the clocks of database and process agree.")
        case .delay:
            .init(
                .times, .seconds, labels: ["consumer", "stage"],
                "Where the first event of each batch has spent its latency. `settle`: from its created_at until it could be read, "
                    + "in its transaction and behind open ones. `queue`: until it was handed over, behind a pause, a rate or what "
                    + "is under way. `deliver`: until it was processed, with retries and halts.")
        case .lagEvents:
            .init(
                .gauge, .events, labels: ["consumer"],
                "Positions behind the checkpoint position: as many events wait at most, 0 without segments.")
        case .lagTime:
            .init(
                .gauge, .seconds, labels: ["consumer"],
                "Age of the oldest event that waits in the owned segments, by its created_at; 0 if none does.")
        case .segmentLagEvents:
            .init(
                .gauge, .events, labels: ["consumer", "segment"],
                "Events that wait in an owned segment, or as many at most where they are many; 0 for others' segments.")
        case .segmentLagTime:
            .init(
                .gauge, .seconds, labels: ["consumer", "segment"],
                "Age of the first event that waits in an owned segment; 0 if none does, and for others' segments.")
        case .isPaused:
            .init(.gauge, .truth, labels: ["consumer"], "Whether the consumer is paused by order.")
        case .rateLimit:
            .init(
                .gauge, .events, labels: ["consumer"],
                "The events per second that were ordered as a bound for all processes; 0 without a bound.")
        case .parkedEvents:
            .init(
                .gauge, .events, labels: ["consumer"],
                "Events that wait for an operator's decision, in all processes: the same from each.")
        case .haltedSegments:
            .init(
                .gauge, .segments, labels: ["consumer"],
                "Segments that stand at an event that cannot be delivered, in all processes: the same from each.")
        case .ownedSegments:
            .init(.gauge, .segments, labels: ["consumer"], "Segments that this process owns.")
        case .rebalances:
            .init(.counter, .occurrences, labels: ["consumer"], "Times that segments were claimed or given up.")
        case .lostSegments:
            .init(.counter, .segments, labels: ["consumer"], "Segments that other workers took away.")
        case .logLinesDropped:
            .init(
                .gauge, .occurrences,
                "Log lines that were dropped since the start, because standard error was not read.")
        case .databaseConnected:
            .init(.gauge, .truth, "Whether the last heartbeat reached the database.")
        case .connectionsGivenUp:
            .init(
                .counter, .occurrences,
                "Connections to the database that were ended from this side because nothing answered on them.")
        case .horizonPosition:
            .init(.gauge, .positions, "The settled horizon: no event at or below it can still appear.")
        case .latestPosition:
            .init(.gauge, .positions, "The highest position seen in the events table or drawn for it.")
        case .horizonWaiting:
            .init(.gauge, .seconds, "How long the horizon has waited for an open transaction, 0 if it does not.")
        case .horizonHolds:
            .init(
                .counter, .occurrences, labels: ["cause"],
                "Times that a transaction held the horizon back for longer than the threshold: idle in its transaction, "
                    + "active, prepared, or unknown.")
        case .wakeups:
            .init(.counter, .occurrences, labels: ["source"], "Times that the consumers were woken, by what woke them.")
        case .recordsPublished:
            .init(.counter, .events, labels: ["consumer"], "Records acknowledged by Kafka.")
        case .produceTime:
            .init(
                .times, .seconds, labels: ["consumer"],
                "Time of handing a batch to the Kafka client, waits for room in its queue included.")
        case .acknowledgeTime:
            .init(
                .times, .seconds, labels: ["consumer"],
                "Time from handing a batch to the Kafka client to the acknowledgement of all its records.")
        case .retries:
            .init(
                .counter, .occurrences, labels: ["consumer", "class"],
                "Failed attempts by class: retry passes by itself, refused must be fixed, poison is rejected for good."
            )
        case .producerRuns:
            .init(
                .counter, .occurrences, labels: ["consumer"], "Kafka producers built: the first, and one per failure.")
        case .endedWriters:
            .init(
                .counter, .occurrences, labels: [],
                "Idle sessions that held the horizon back and were ended, where `horizon.end_idle_writers_after` is set."
            )
        case .problem:
            .init(
                .gauge, .truth, labels: ["consumer", "code"],
                "1 for what is the matter now, by its code, and 0 for what was since the start; without a consumer where it "
                    + "concerns the process.")
        case .deliveryStatus:
            .init(
                .gauge, .truth, labels: ["consumer", "status"],
                "1 for the status that delivery is in: flowing, waiting, refused, stalled or halted.")
        case .refusedTopics:
            .init(
                .gauge, .truth, labels: ["consumer", "topic"],
                "1 for a topic that takes no records, because it is absent or the right to it is missing; 0 once it does."
            )
        case .recordsSentAgain:
            .init(
                .counter, .events, labels: ["consumer"],
                "Records that are sent again although they may be in their topics: their producer ended before their fate was "
                    + "known, or their segment halts at an earlier event.")
        case .queueRecords:
            .init(.gauge, .events, labels: ["consumer"], "Records in the Kafka client, not yet acknowledged.")
        case .queueBytes:
            .init(.gauge, .bytes, labels: ["consumer"], "Keys and values in the Kafka client, not yet acknowledged.")
        case .sentBytes:
            .init(.gauge, .bytes, labels: ["consumer"], "Bytes that the current producer has sent to brokers.")
        case .payloadBytes:
            .init(
                .gauge, .bytes, labels: ["consumer"],
                "Keys and values that the current producer has sent, before compression.")
        case .compressionRatio:
            .init(
                .gauge, .ratio, labels: ["consumer"],
                "Keys and values per byte sent between the last two looks; headers and framing count as sent only.")
        case .parkedTotal:
            .init(.counter, .events, labels: ["consumer"], "Events that were parked.")
        case .deadLettered:
            .init(.counter, .events, labels: ["consumer"], "Events that were sent to the dead-letter topic.")
        case .transactions:
            .init(
                .counter, .occurrences, labels: ["consumer", "outcome"],
                "Transactions of exactly-once delivery: committed; given up, whose events come again; or fenced, since another "
                    + "process has taken over.")
        case .transactionTime:
            .init(
                .times, .seconds, labels: ["consumer"],
                "Time from the first record of a transaction until it was committed.")
        case .transactionEvents:
            .init(.counts, .events, labels: ["consumer"], "Events per committed transaction.")
        case .transactionAge:
            .init(
                .gauge, .seconds, labels: ["consumer"],
                "Age of the open transaction, 0 if nothing is in it: what readers of committed records wait for.")
        case .takeovers:
            .init(
                .counter, .segments, labels: ["consumer"],
                "Segments taken over for exactly-once delivery: their former owners ended, and their progress read.")
        case .auditPosition:
            .init(
                .gauge, .positions, labels: ["consumer"],
                "What is committed up to here was compared with the topics, by one of the processes: the same from each, as "
                    + "are the other figures of the audit.")
        case .auditMissing:
            .init(
                .gauge, .events, labels: ["consumer"],
                "Events that were delivered by the checkpoint and are in no topic, and not set aside either; fewer once they "
                    + "are found or published again.")
        case .auditUnproven:
            .init(
                .gauge, .events, labels: ["consumer"],
                "Events that the audit did not find, where nothing shows whether they were there, or that it looks for again."
            )
        case .auditDoubled:
            .init(
                .gauge, .events, labels: ["consumer"],
                "Events that the audit found more than once since it began: at-least-once delivery has them after a crash."
            )
        case .auditDisordered:
            .init(
                .gauge, .events, labels: ["consumer"],
                "Events that the audit found behind a later one of their aggregate since it began.")
        case .auditAge:
            .init(
                .gauge, .seconds, labels: ["consumer"],
                "How long ago the audit was through with all that was due.")
        case .prunedRows:
            .init(.counter, .events, labels: [], "Rows of an outbox that this process has removed by retention.")
        case .prunedPosition:
            .init(
                .gauge, .positions, labels: [],
                "Rows up to here were removed by retention, by any process; 0 until this one has looked.")
        case .pruneHeldPosition:
            .init(
                .gauge, .positions, labels: [],
                "The position behind which a consumer, a job or an audit keeps rows that are old enough to go, or something is "
                    + "wrong; 0 where only their age does. `godwit status` names it.")
        case .pruneFailures:
            .init(.counter, .occurrences, labels: [], "Passes of retention that failed; the log says why.")
        case .jobs:
            .init(
                .gauge, .occurrences, labels: ["state"],
                "Jobs that have not ended for good, by their state: the same from each process.")
        case .jobRunning:
            .init(.gauge, .truth, labels: ["consumer"], "Whether this process runs a job of the consumer.")
        case .jobProgress:
            .init(
                .gauge, .ratio, labels: ["consumer"],
                "The part of its range that the job is through with, 0 to 1, which this process runs or ran last.")
        case .jobTimeLeft:
            .init(
                .gauge, .seconds, labels: ["consumer"],
                "How much longer the job takes that this process runs, if it goes on as before; 0 where that is not known."
            )
        case .jobEvents:
            .init(.counter, .events, labels: ["consumer"], "Events that jobs of this process have published.")
        case .jobYielding:
            .init(
                .gauge, .truth, labels: ["consumer"],
                "Whether the job that this process runs pauses for the live flow.")
        case .jobFailures:
            .init(
                .counter, .occurrences, labels: ["consumer"],
                "Runs of jobs of this process that have failed, also those that are tried again by themselves.")
        case .residentMemory:
            .init(.gauge, .bytes, "Memory of the process that is in RAM.")
        }
    }
}
