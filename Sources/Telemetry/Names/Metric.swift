/// The name of every metric there is: the compiler keeps them apart, and ``definition`` says what each means.
package enum Metric: String, Sendable, CaseIterable {
    // MARK: Consumers
    case eventsHandedOver = "godwit_consumer_events_handed_over_total"
    case eventsDone = "godwit_consumer_events_done_total"
    case batchEvents = "godwit_consumer_batch_events"
    case batchBytes = "godwit_consumer_batch_bytes"
    case checkpointTime = "godwit_consumer_checkpoint_seconds"
    case checkpointPosition = "godwit_consumer_checkpoint_position"
    case latency = "godwit_consumer_latency_seconds"
    case lagEvents = "godwit_consumer_lag_events"
    case lagTime = "godwit_consumer_lag_seconds"
    case segmentLagEvents = "godwit_segment_lag_events"
    case segmentLagTime = "godwit_segment_lag_seconds"
    case isPaused = "godwit_consumer_paused"
    case rateLimit = "godwit_consumer_rate_limit_events"
    case parkedEvents = "godwit_consumer_parked_events"
    case haltedSegments = "godwit_consumer_halted_segments"
    case ownedSegments = "godwit_consumer_owned_segments"
    case rebalances = "godwit_consumer_rebalances_total"
    case lostSegments = "godwit_consumer_lost_segments_total"

    // MARK: The event store
    case readTime = "godwit_log_read_seconds"
    case readEvents = "godwit_log_read_events_total"
    case logLinesDropped = "godwit_log_lines_dropped"
    case databaseConnected = "godwit_database_connected"
    case connectionsGivenUp = "godwit_database_connections_given_up_total"
    case horizonPosition = "godwit_horizon_position"
    case latestPosition = "godwit_horizon_latest_position"
    case horizonWaiting = "godwit_horizon_waiting_seconds"
    case horizonHolds = "godwit_horizon_holds_total"
    case wakeups = "godwit_wakeups_total"

    // MARK: Kafka
    case recordsPublished = "godwit_kafka_records_published_total"
    case produceTime = "godwit_kafka_produce_seconds"
    case acknowledgeTime = "godwit_kafka_acknowledge_seconds"
    case recordsSentAgain = "godwit_kafka_records_sent_again_total"
    case retries = "godwit_kafka_retries_total"
    case producerRuns = "godwit_kafka_producer_runs_total"
    case problem = "godwit_problem"
    case deliveryStatus = "godwit_kafka_delivery_status"
    case refusedTopics = "godwit_kafka_topic_refused"
    case queueRecords = "godwit_kafka_queue_records"
    case queueBytes = "godwit_kafka_queue_bytes"
    case sentBytes = "godwit_kafka_sent_bytes"
    case payloadBytes = "godwit_kafka_payload_bytes"
    case compressionRatio = "godwit_kafka_compression_ratio"
    case parkedTotal = "godwit_kafka_parked_total"
    case deadLettered = "godwit_kafka_dead_lettered_total"

    // MARK: Audits
    case auditPosition = "godwit_audit_position"
    case auditMissing = "godwit_audit_missing"
    case auditUnproven = "godwit_audit_unproven"
    case auditDoubled = "godwit_audit_doubled"
    case auditDisordered = "godwit_audit_disordered"
    case auditAge = "godwit_audit_age_seconds"

    // MARK: The process
    case residentMemory = "process_resident_memory_bytes"
}
