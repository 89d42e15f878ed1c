internal import CLibRDKafka
internal import DedicatedThread
package import Logging

/// librdkafka's mock cluster, in this process: enough of Kafka to try a client on, and faults on demand.
///
/// It checks no sequences, fences nobody and drops data beyond 5 MiB a partition: no promise of durability or order can
/// be tested on it.
package final class TestCluster: Sendable {
    /// What a fault applies to: the protocol's request kinds.
    package enum RequestKind: Int16, Sendable {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case metadata = 3
        case initProducerID = 22
    }

    private let handle: ClientHandle
    private let cluster: Pointer
    package let bootstrapServers: String

    /// `@unchecked Sendable`: the mock cluster locks its own state; it is destroyed once, in `deinit`.
    @safe private struct Pointer: @unchecked Sendable {
        let raw: OpaquePointer
    }

    /// Starts the brokers on loopback ports.
    ///
    /// - Parameter defaultPartitions: What a topic gets that is made by being asked for.
    package init(
        brokers: Int = 1, defaultPartitions: Int = 4, logger: Logger = Logger(label: "mock")
    ) throws(KafkaError) {
        handle = try NativeConfiguration(mock: "mock").makeClient(RD_KAFKA_PRODUCER, sink: LogSink(logger))
        guard let cluster = unsafe rd_kafka_mock_cluster_new(handle.pointer, Int32(brokers)) else {
            handle.destroy()
            throw KafkaError(.state, message: "The mock cluster does not start")
        }
        self.cluster = unsafe Pointer(raw: cluster)
        bootstrapServers = unsafe String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
        self.defaultPartitions = defaultPartitions
    }

    package let defaultPartitions: Int

    deinit {
        // Blocks until the brokers' thread has ended, so not on whichever thread lets go last.
        let (cluster, handle) = (cluster, handle)
        startThread(name: "mock-end") {
            unsafe rd_kafka_mock_cluster_destroy(cluster.raw)
            handle.destroy()
        }
    }

    package func createTopic(_ name: String, partitions: Int? = nil) throws(KafkaError) {
        try check(
            unsafe rd_kafka_mock_topic_create(cluster.raw, name, Int32(partitions ?? defaultPartitions), 1),
            "Topic `\(name)`")
    }

    /// The next requests of the kind are answered with these errors, one each.
    ///
    /// `.transport` stands for a connection that is closed instead of an answer.
    package func pushErrors(_ errors: [KafkaError.Code], for kind: RequestKind) {
        let native = errors.map { rd_kafka_resp_err_t($0.rawValue) }
        unsafe rd_kafka_mock_push_request_errors_array(cluster.raw, kind.rawValue, native.count, native)
    }

    package func clearErrors(for kind: RequestKind) {
        unsafe rd_kafka_mock_clear_request_errors(cluster.raw, kind.rawValue)
    }

    /// Every metadata answer for the topic carries this error from now on; nil ends it.
    package func setError(_ error: KafkaError.Code?, topic: String) {
        unsafe rd_kafka_mock_topic_set_error(cluster.raw, topic, rd_kafka_resp_err_t(error?.rawValue ?? 0))
    }

    /// Brokers are numbered from 1.
    package func takeDown(broker: Int32) throws(KafkaError) {
        try check(unsafe rd_kafka_mock_broker_set_down(cluster.raw, broker), "Broker \(broker)")
    }

    package func bringUp(broker: Int32) throws(KafkaError) {
        try check(unsafe rd_kafka_mock_broker_set_up(cluster.raw, broker), "Broker \(broker)")
    }

    /// Answers of the broker are held back for so long.
    package func setRoundTrip(_ time: Duration, broker: Int32) throws(KafkaError) {
        let milliseconds = time.wholeMilliseconds
        try check(unsafe rd_kafka_mock_broker_set_rtt(cluster.raw, broker, milliseconds), "Broker \(broker)")
    }

    package func moveLeader(topic: String, partition: Int32, to broker: Int32) throws(KafkaError) {
        try check(
            unsafe rd_kafka_mock_partition_set_leader(cluster.raw, topic, partition, broker),
            "Partition \(partition) of `\(topic)`")
    }

    private func check(_ response: rd_kafka_resp_err_t, _ context: String) throws(KafkaError) {
        if response != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(response: response, context: context) }
    }
}
