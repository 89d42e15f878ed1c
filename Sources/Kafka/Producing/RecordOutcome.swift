/// What became of one record.
package enum RecordOutcome: Sendable, Equatable {
    /// Not yet reported, or never handed to the client because feeding stopped before.
    case pending
    case acknowledged(partition: Int32, offset: Int64)
    case failed(KafkaError)
}
