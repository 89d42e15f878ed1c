import CLibRDKafka
import Dispatch

/// A transactional producer of librdkafka, as it comes with the system.
///
/// Unchecked: the handle may be used by any thread, and the client is destroyed when nobody has it any more.
final class TransactionalClient: @unchecked Sendable {
    enum Outcome: Equatable {
        case done
        /// The same call is to be repeated.
        case retriable
        /// The transaction is to be aborted.
        case abortable
        /// A new client is needed.
        case fatal
    }

    struct Failure: Error {
        let reason: String
    }

    private let handle: OpaquePointer

    init(_ bootstrapServers: String, id: String, _ properties: [String: String] = [:]) throws {
        guard let configuration = rd_kafka_conf_new() else { throw Failure(reason: "no memory") }
        var message = [CChar](repeating: 0, count: 512)
        let all = [
            "bootstrap.servers": bootstrapServers, "transactional.id": id, "linger.ms": "0",
            "transaction.timeout.ms": "10000", "socket.timeout.ms": "2000", "reconnect.backoff.ms": "10",
            "reconnect.backoff.max.ms": "50", "retry.backoff.ms": "5", "log_level": "0",
        ].merging(properties) { $1 }
        for (name, value) in all
        where rd_kafka_conf_set(configuration, name, value, &message, message.count) != RD_KAFKA_CONF_OK {
            rd_kafka_conf_destroy(configuration)
            throw Failure(reason: "\(name): \(String(cString: message))")
        }
        guard let handle = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &message, message.count) else {
            rd_kafka_conf_destroy(configuration)
            throw Failure(reason: String(cString: message))
        }
        self.handle = handle
    }

    deinit {
        let handle = Handle(pointer: handle)
        // Destroying waits for the client's threads.
        DispatchQueue.global().async { rd_kafka_destroy_flags(handle.pointer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
    }

    private struct Handle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    func initialize(within seconds: Int32 = 10) async -> Outcome {
        await blocking { rd_kafka_init_transactions($0, seconds * 1000) }
    }

    func begin() async -> Outcome { await blocking { rd_kafka_begin_transaction($0) } }

    func commit(within seconds: Int32 = 10) async -> Outcome {
        await blocking { rd_kafka_commit_transaction($0, seconds * 1000) }
    }

    func abort(within seconds: Int32 = 10) async -> Outcome {
        await blocking { rd_kafka_abort_transaction($0, seconds * 1000) }
    }

    /// Hands a record over; whether it arrives shows at the commit.
    func produce(_ value: String, topic: String, partition: Int32) -> Bool {
        guard let topic = rd_kafka_topic_new(handle, topic, nil) else { return false }
        defer { rd_kafka_topic_destroy(topic) }
        var bytes = Array(value.utf8)
        return rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, &bytes, bytes.count, nil, 0, nil) == 0
    }

    func flush() async {
        _ = await blocking {
            _ = rd_kafka_flush($0, 5000); return nil
        }
    }

    private func blocking(_ call: @escaping @Sendable (OpaquePointer) -> OpaquePointer?) async -> Outcome {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                continuation.resume(returning: Self.outcome(call(handle)))
            }
        }
    }

    private static func outcome(_ error: OpaquePointer?) -> Outcome {
        guard let error else { return .done }
        defer { rd_kafka_error_destroy(error) }
        if rd_kafka_error_is_fatal(error) != 0 { return .fatal }
        if rd_kafka_error_txn_requires_abort(error) != 0 { return .abortable }
        return rd_kafka_error_is_retriable(error) != 0 ? .retriable : .fatal
    }
}
