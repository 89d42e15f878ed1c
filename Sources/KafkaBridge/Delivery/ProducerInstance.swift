import Kafka

/// One producer instance and what has to be known of it.
struct ProducerInstance {
    let number: Int
    let producer: Producer
    /// Up to how many bytes its client puts into a batch; 0 where the user has decided that.
    let largestBatch: Int
    var gate: FirstBatchGate
    /// The topics that are ready.
    var handles = ByTopic<TopicHandle>()
    /// Something was left out of its order, so that nothing later may be fed.
    var isSealed = false

    var takesMore: Bool { !isSealed && producer.failure == nil }
}
