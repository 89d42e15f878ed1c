import Kafka

/// One producer instance and what has to be known of it.
struct ProducerRun {
    let number: Int
    let producer: Producer
    var gate: FirstBatchGate
    /// Topics by their index in the router.
    var handles: [Int: TopicHandle] = [:]
}
