/// An error that a fault puts in place of a request's effect, for one partition or for all of the request.
struct InjectedError: Hashable {
    let partition: TopicPartition?
    let code: KafkaErrorCode
}
