package import Kafka

/// What brokers say about a topic, as far as they could be asked.
package struct TopicFacts: Sendable, Equatable {
    enum State: Sendable, Equatable {
        case exists(partitions: Int32)
        /// It is made with its first event.
        case toBeMade(partitions: Int32)
        /// It takes no records.
        case refused(KafkaError)
        /// Nobody could be asked.
        case unknown(String)
    }

    let state: State
    /// `nil` where they could not be read.
    let settings: TopicSettings?

    package static func exists(partitions: Int, settings: [String: String]?) -> TopicFacts {
        TopicFacts(
            state: .exists(partitions: Int32(clamping: partitions)), settings: settings.map { TopicSettings($0) })
    }

    package static func toBeMade(_ topic: TopicSpecification) -> TopicFacts {
        // What is not set is the brokers' to say; of the size they allow what Kafka does unless told otherwise.
        let settings = ["max.message.bytes": "\(usualSize)"].merging(topic.settings) { $1 }
        return TopicFacts(
            state: .toBeMade(partitions: Int32(clamping: topic.partitions)), settings: TopicSettings(settings))
    }

    /// `max.message.bytes` of a topic for which nobody has set it.
    private static let usualSize = 1_048_588

    package static func refused(_ error: KafkaError) -> TopicFacts { TopicFacts(state: .refused(error), settings: nil) }

    package static func unknown(_ reason: String) -> TopicFacts { TopicFacts(state: .unknown(reason), settings: nil) }

    /// How many partitions the topic has, or will have; `nil` where that is not known.
    var partitionCount: Int32? {
        switch state {
        case .exists(let count) where count > 0, .toBeMade(let count) where count > 0: count
        default: nil
        }
    }

    /// The partition of a key.
    func partition(forKey key: RawSpan, by partitioner: Partitioner) -> RecordPreview.Partition {
        switch state {
        case .exists(let count) where count > 0, .toBeMade(let count) where count > 0:
            .number(TopicHandle(index: 0, partitionCount: count).partition(forKey: key, by: partitioner))
        case .exists, .toBeMade: .unknown("brokers name no partition")
        case .refused: .unknown("the topic takes no records")
        case .unknown(let reason): .unknown(reason)
        }
    }
}
