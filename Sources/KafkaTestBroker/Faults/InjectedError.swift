/// An error that a fault puts into an answer, for one partition or for all of the request.
struct InjectedError: Hashable {
    let partition: TopicPartition?
    let code: KafkaErrorCode
    /// Whether the request takes effect all the same.
    let isAfterEffect: Bool
}
