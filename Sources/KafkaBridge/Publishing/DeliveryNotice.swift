import Consumers
import Kafka

/// What happened to a consumer's delivery for the log and the metrics.
enum DeliveryNotice: Sendable, Equatable {
    case producerStarted
    case published(Int)
    /// So many records had an open fate when their producer ended.
    case sentAgain(Int)
    case failed(PublisherMetrics.Retry)
    case halted(SegmentHalt)
    /// A segment has passed the event that it halted at.
    case goesOn(SegmentHalt)
    case parked(_ position: Int64, segment: Int, Rejection)
    case recordedParked(Int)
    case deadLetter(_ position: Int64, TopicName, Rejection)
    case topicRefused(TopicName, KafkaError)
    case topicReady(TopicName)
    /// The producer before used another number of partitions.
    case partitionsChanged(TopicName, before: Int32, count: Int32)
    /// The topic has another number of partitions than the producer uses.
    case partitionsFound(TopicName, count: Int32, used: Int32)
    case unknownLimit(TopicName)
    case oddTime(_ position: Int64)
    /// A transaction of so many events was committed, so long after its first record.
    case committed(events: Int, Duration)
    /// What was in a transaction, or is not known to be committed, is given again.
    case transactionEnded(TransactionState.End)
    case tookOver(Int)
}
