internal import CLibRDKafka

/// What went wrong between this process and Kafka.
///
/// `description` names the error, and says what to do next. It holds no payload, key or secret.
package struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    package var code: Code
    /// One sentence on what happened, without payload and without secrets.
    package var message: String
    /// librdkafka would try again by itself, or says that the call can be repeated.
    package var isRetriable: Bool
    /// The client instance is of no more use: a new one has to be built.
    package var isFatal: Bool
    /// The current transaction has to be aborted.
    package var isAbortable: Bool

    package init(
        _ code: Code, message: String? = nil, isRetriable: Bool? = nil, isFatal: Bool? = nil, isAbortable: Bool = false
    ) {
        self.code = code
        self.message = message ?? code.text
        self.isRetriable = isRetriable ?? (code.classification.kind == .retry)
        self.isFatal = isFatal ?? (code.classification.kind == .fatal)
        self.isAbortable = isAbortable
    }

    /// How delivery goes on after this error.
    package var classification: Classification { code.classification }

    package var description: String { "\(message) (\(code.name)). \(classification.advice)" }
}

extension KafkaError {
    init(response: rd_kafka_resp_err_t, context: String? = nil) {
        let code = Code(rawValue: response.rawValue)
        self.init(code, message: context.map { "\($0): \(code.text)" })
    }

    /// Takes over the error object and frees it.
    init(consuming error: OpaquePointer, context: String? = nil) {
        let code = unsafe Code(rawValue: rd_kafka_error_code(error).rawValue)
        let text = unsafe rd_kafka_error_string(error).map { unsafe String(cString: $0) } ?? code.text
        unsafe self.init(
            code, message: context.map { "\($0): \(text)" } ?? text,
            isRetriable: rd_kafka_error_is_retriable(error) != 0,
            isFatal: rd_kafka_error_is_fatal(error) != 0,
            isAbortable: rd_kafka_error_txn_requires_abort(error) != 0)
        unsafe rd_kafka_error_destroy(error)
    }
}
