import Kafka

extension Verification {
    /// One reading of the topics for a window of events.
    struct Pass {
        private(set) var ledger: DeliveryLedger
        /// What only matters where a topic is compacted.
        var traces = KeyTraces(keys: [])
        private(set) var recordsRead = 0
        private(set) var unnamedRecords = 0
        let firstPosition: Int64

        /// The numbers of the topics that events belong to.
        private let numbers: [String: UInt16]
        private let comparesValues: Bool
        private let names: RecordNames
        private let namesPartitions: Bool

        init(
            window: consuming CommittedWindows.Window, numbers: [String: UInt16], options: Options, route: Route,
            _ consumer: String
        ) {
            ledger = window.ledger
            firstPosition = window.ledger.positions.first ?? 0
            self.numbers = numbers
            comparesValues = options.comparesValues
            namesPartitions = route.partition != nil
            names = RecordNames(consumer, route: route, deadLetterTopic: options.deadLetterTopic)
        }

        mutating func take(_ step: TopicReading.Step) {
            switch step {
            case .restart:
                ledger.forgetFound()
                traces.forget()
                unnamedRecords = 0
            case .record(let record, let place): take(record, place)
            }
        }

        private mutating func take(_ record: ConsumedRecord, _ place: UInt16) {
            recordsRead += 1
            if numbers[record.topic] == nil, names.isDeadLetterTopic(record.topic) {
                if let position = names.deadLetterPosition(record) { ledger.foundDeadLetter(at: position) }
                return
            }
            let identity = names.identity(record)
            if !traces.isEmpty, let key = record.key {
                let position = identity.flatMap { ledger.index(of: $0.event) }.map { ledger.positions[$0] }
                let partition = namesPartitions ? record.partition : nil
                traces.found(
                    key: KeyTraces.key(record.topic, key.span.bytes, partition: partition), position: position)
            }
            guard let identity else {
                unnamedRecords += 1
                return
            }
            ledger.found(
                DeliveryLedger.Found(
                    identity: identity, topic: numbers[record.topic] ?? DeliveryLedger.anyTopic, place: place,
                    offset: record.offset, value: comparesValues ? ValueHash.of(record) : nil))
        }
    }
}
