import Kafka

/// What a consumer's records call the things by which they are told apart.
struct RecordNames: Sendable {
    private let consumer: String
    private let deadLetterTopic: String?
    private let idHeader: String
    private let positionHeader: String
    private let deadLetterConsumer: String
    private let deadLetterPosition: String

    init(_ consumer: String, route: Route, deadLetterTopic: TopicName?) {
        self.consumer = consumer
        self.deadLetterTopic = deadLetterTopic?.description
        let prefix = route.headers.prefix
        idHeader = route.headers.eventID.description
        positionHeader = route.headers.globalPosition.description
        deadLetterConsumer = prefix + "dead_letter_consumer"
        deadLetterPosition = prefix + "dead_letter_position"
    }

    /// What of records is looked at for some consumers.
    static func extract(_ all: [RecordNames], key: Bool) -> RecordExtract {
        RecordExtract(
            headers: RecordIdentity.headers
                + all.flatMap { [$0.positionHeader, $0.deadLetterConsumer, $0.deadLetterPosition] },
            valueUnless: all.map(\.idHeader) + RecordIdentity.idHeaders, key: key)
    }

    func isDeadLetterTopic(_ topic: String) -> Bool { topic == deadLetterTopic }

    /// Which event a record carries; nil for a record that names none.
    func identity(_ record: ConsumedRecord) -> RecordIdentity? { RecordIdentity(record, header: idHeader) }

    /// The position that a record gives for its event; nil where its headers leave that out.
    func position(_ record: ConsumedRecord) -> Int64? { record.header(positionHeader).flatMap { Int64($0) } }

    /// Which event a record of the dead-letter topic stands for, also where its value is left out; nil for one of another
    /// consumer, which may send there too.
    func deadLetterPosition(_ record: ConsumedRecord) -> Int64? {
        guard record.header(deadLetterConsumer) == consumer else { return nil }
        return record.header(deadLetterPosition).flatMap { Int64($0) }
    }
}
