package import Consumers
package import EventSourcing
import Kafka

/// Makes of events what a consumer would make of them. It asks nobody: what brokers and the database know is given to it.
package struct ConsumerPreview: Sendable {
    /// What the database knows of the consumer.
    package struct Record: Sendable {
        /// Where it began, and which events it wanted since; empty where it was never started.
        package var history = ScopeHistory()
        /// Of its checkpoints, or of the configuration.
        package var totalSegments: Int
        /// Where a consumer begins that was never started.
        package var start: Int64?
        /// Whether that is behind what will be there when it starts.
        package var startsLater = false
        package var letters: [DeadLetter] = []
        /// Whether what the database records of the consumer could be read.
        package var isRead = true

        package init(totalSegments: Int) { self.totalSegments = totalSegments }
    }

    private let options: KafkaPublisherOptions
    private let record: Record
    private let recordSize: RecordSize
    private let letters: [Int64: DeadLetter]
    private var router: Router

    package init(_ options: KafkaPublisherOptions, _ record: Record) {
        self.options = options
        self.record = record
        recordSize = RecordSize(options.route)
        router = Router(options.route)
        letters = Dictionary(record.letters.map { ($0.position, $0) }) { $1 }
    }

    /// What waits behind events of which the database knows already.
    package var held: HeldEvents { HeldEvents(record.letters, totalSegments: record.totalSegments) }

    /// Events of which the database knows that they could not be delivered.
    package var recorded: Set<Int64> { Set(letters.keys) }

    /// The topics that records of the events go to, to be asked about.
    package mutating func topics(of events: EventBatch) -> [TopicName] {
        var names: Set<TopicName> = []
        if case .deadLetterTopic(let name) = options.onPoison { names.insert(name) }
        for event in events where options.scope.contains(event) {
            guard
                case .success(let topic) = router.destination(
                    of: event, options.scope.filter, mayHaveDefects: events.mayHaveDefects)
            else {
                continue
            }
            names.insert(router.topics[topic])
        }
        return names.sorted { $0.description < $1.description }
    }

    /// What the consumer would make of an event.
    ///
    /// - Parameters:
    ///   - mayHaveDefects: what its batch says.
    ///   - topics: what brokers say, by topic; one that is missing was not asked about.
    ///   - now: microseconds since 1970.
    package mutating func preview(
        _ event: EventView, mayHaveDefects: Bool, topics: [TopicName: TopicFacts], now: Int64
    ) -> EventPreview {
        var preview = EventPreview(event)
        if let text = ScopeExclusion.text(options.scope, event, showsValues: options.route.projection == nil) {
            preview.reason = .init(code: EventPreview.Reason.outsideScope, text: text)
            return preview
        }
        preview.reason = historicReason(event) ?? letterReason(event)
        switch router.destination(of: event, options.scope.filter, mayHaveDefects: mayHaveDefects) {
        case .success(let index): examine(event, router.topics[index], topics, now, &preview)
        case .failure(let rejection): reject(event, rejection, topics, now, &preview)
        }
        return preview
    }

    // MARK: Reasons

    private func historicReason(_ event: EventView) -> EventPreview.Reason? {
        let position = event.globalPosition
        if record.startsLater {
            return .init(
                code: "before_start",
                text:
                    "the consumer has not started yet, and begins behind the last event that is there then (start: now)"
            )
        }
        if let start = record.start, position <= start {
            return .init(
                code: "before_start", text: "the consumer begins behind position \(start)")
        }
        switch record.history.judge(event, segment: segment(of: event)) {
        case .beforeStart:
            return .init(
                code: "before_start", text: "it lies before the position at which the consumer began",
                consequence: "`godwit republish` publishes such events")
        case .outsideScope:
            return .init(
                code: "outside_former_scope", text: "the consumer's scope at that time did not include it",
                consequence: "`godwit republish` publishes such events")
        case .wanted, .unrecorded: return nil
        }
    }

    private func letterReason(_ event: EventView) -> EventPreview.Reason? {
        guard let letter = letters[event.globalPosition] else { return nil }
        return switch letter.state {
        case .halted: .init(code: "halted", text: "its segment halts before it: \(letter.error)")
        case .parked: .init(code: "parked", text: "it is parked: \(letter.error)")
        case .discarded: .init(code: "discarded", text: "an operator has discarded it: \(letter.error)")
        case .redriving, .redriven: nil
        }
    }

    /// What rules the event out as it is, and else its record.
    private func examine(
        _ event: EventView, _ topic: TopicName, _ topics: [TopicName: TopicFacts], _ now: Int64,
        _ preview: inout EventPreview
    ) {
        let (name, facts) = (topic.description, topics[topic])
        let limit = limit(facts)
        let prepared: PreparedRecord
        do throws(RecordProblem) { prepared = try options.route.prepare(event) } catch {
            return reject(
                event, Rejection(reason: .record, error: error.description, topic: name), topics, now, &preview)
        }
        preview.record = record(of: event, prepared, note: nil, topic, facts)
        if let partition = prepared.partition, let count = facts?.partitionCount, partition >= count {
            let problem = RecordProblem.partitionBeyond(partition, count: count, topic: name)
            return reject(
                event, Rejection(reason: .record, error: problem.description, topic: name), topics, now, &preview)
        }
        if case .refused(let error)? = facts?.state {
            if preview.reason != nil { return }
            preview.reason = .init(
                code: "topic_refused", text: Rejection.refused(error, topic: name).error,
                consequence: "its segment halts until the topic takes records")
            preview.holds = .segment
        } else if let limit = limit ?? unknownLimit, let size = recordSize.excess(over: limit, event, prepared) {
            reject(event, .tooLarge(size, limit: limit, topic: name), topics, now, &preview)
        } else if options.route.republication == nil, let time = RecordTime.milliseconds(event.createdAtMicroseconds),
            let error = facts?.settings?.timeError(time, now: now / 1_000)
        {
            reject(event, .time(error, topic: name), topics, now, &preview)
        }
    }

    /// An event that can never be delivered as it is.
    private func reject(
        _ event: EventView, _ rejection: Rejection, _ topics: [TopicName: TopicFacts], _ now: Int64,
        _ preview: inout EventPreview
    ) {
        // What keeps it away before anybody looks at it.
        if preview.reason != nil { return }
        let fate = PoisonFate.decide(rejection, policy: options.onPoison, note: nil, parked: 0)
        let consequence: String
        switch fate {
        case .halt:
            consequence = "its segment halts before it"
            preview.holds = .segment
        case .park:
            consequence = "it is parked, and the later events of its aggregate wait behind it"
            preview.holds = .aggregate
        case .deadLetter(let topic, let omission):
            if let letter = deadLetter(event, rejection, topic, topics[topic], omission, now) {
                consequence = "its record goes to the dead-letter topic `\(topic)`"
                preview.record = letter
            } else {
                consequence = "its segment halts before it: the dead-letter topic `\(topic)` does not take it either"
                preview.holds = .segment
            }
        }
        preview.reason = .init(code: rejection.reason.rawValue, text: rejection.error, consequence: consequence)
    }

    /// The record for the dead-letter topic, with less of it until the topic takes it; `nil` where it never does.
    private func deadLetter(
        _ event: EventView, _ rejection: Rejection, _ topic: TopicName, _ facts: TopicFacts?,
        _ omission: DeadLetterNote.Omission, _ now: Int64
    ) -> RecordPreview? {
        let prepared = options.route.prepareWhatIsPossible(event)
        var note = DeadLetterNote(
            reason: rejection.reason, error: rejection.error, consumer: options.name,
            segment: segment(of: event), position: event.globalPosition, topic: rejection.topic, time: now,
            prefix: options.route.headers.prefix)
        // What cannot be reduced as the consumer wants it is not to be seen.
        if omission != .nothing || options.route.hidesValue(of: event, prepared) {
            note.omittedBytes = event.payloadLength
        }
        note.isMinimal = omission == .allButIdentity
        guard let limit = limit(facts) ?? unknownLimit,
            let size = recordSize.excess(over: limit, event, prepared, note: note)
        else { return record(of: event, prepared, note: note, topic, facts) }
        let tooLarge = Rejection.tooLarge(size, limit: limit, topic: topic.description)
        guard
            case .deadLetter(_, let less) = PoisonFate.decide(
                tooLarge, policy: options.onPoison, note: note, parked: 0)
        else { return nil }
        return deadLetter(event, rejection, topic, facts, less, now)
    }

    // MARK: The record

    private func record(
        of event: EventView, _ prepared: PreparedRecord, note: DeadLetterNote?, _ topic: TopicName, _ facts: TopicFacts?
    ) -> RecordPreview {
        var record = RecordPreview()
        options.route.fill(event, prepared, note: note, &record)
        record.topic = topic.description
        record.omittedBytes = note?.omittedBytes == nil && prepared.isWithheld(event) ? event.withheldBytes : nil
        if case .toBeMade? = facts?.state { record.isTopicAbsent = true }
        record.size = recordSize.size(of: event, prepared, note: note)
        record.limit = limit(facts)
        if note == nil, let partition = prepared.partition {
            record.partition = .number(partition)
        } else if let key = record.key {
            record.partition =
                facts?.partition(forKey: key.span.bytes, by: options.route.partitioner) ?? .unknown("nobody was asked")
        } else {
            record.partition = .unknown("a record without a key goes to any")
        }
        return record
    }

    /// The largest record for a topic: what is configured, else what the topic and the client allow.
    private func limit(_ facts: TopicFacts?) -> Int? {
        if let most = options.maximumRecordBytes { return most }
        guard let facts else { return nil }
        if let most = facts.settings?.maximumBytes { return min(most, options.largestRecord) }
        // What delivery goes by where a topic's settings may not be read.
        if case .exists = facts.state { return min(DeliveryState.usualLimit, options.largestRecord) }
        return nil
    }

    /// Where nothing is known of the topic, no more than the client takes can be sent.
    private var unknownLimit: Int? { options.largestRecord }

    private func segment(of event: EventView) -> Int {
        FNV1aPartitionStrategy().segment(of: event.aggregateID, totalSegments: record.totalSegments)
    }
}
