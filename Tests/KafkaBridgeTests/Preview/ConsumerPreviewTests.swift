import EventSourcing
import FoundationEssentials
import Testing

@testable import Consumers
@testable import Kafka
@testable import KafkaBridge

@Suite struct ConsumerPreviewTests {
    private static let now: Int64 = 1_800_000_000_000_000

    private static func event(
        _ position: Int64 = 7, context: String = "Identity", type: String = "User", id: String = "u-1",
        payload: String = "{\"a\":1}"
    ) -> PersistedEvent {
        PersistedEvent(
            globalPosition: position, boundedContext: context, aggregateType: type, aggregateID: id,
            aggregateVersion: 3,
            eventType: "Registered", payload: Array(payload.utf8), correlationID: "c-1",
            metadata: "{\"tenant\": \"t\"}",
            createdAt: Date(timeIntervalSince1970: 1_799_999_999))
    }

    private static func options(
        _ topic: String = "identity", allowed: [String] = [], change: (inout KafkaPublisherOptions) -> Void = { _ in }
    ) throws -> KafkaPublisherOptions {
        let route = Route(
            topic: try TopicTemplate(topic), allowlist: TopicAllowlist(allowed),
            metadataHeaders: MetadataHeaders(["tenant"]))
        var options = KafkaPublisherOptions(
            name: "identity", client: ClientConfiguration(bootstrapServers: "nowhere:1"), route: route)
        change(&options)
        return options
    }

    private static func preview(
        _ event: PersistedEvent, _ options: KafkaPublisherOptions,
        record: ConsumerPreview.Record = .init(totalSegments: 4), facts: TopicFacts? = nil
    ) throws -> EventPreview {
        var preview = ConsumerPreview(options, record)
        let batch = try EventBatch([event])
        let topics = preview.topics(of: batch)
        let known = topics.reduce(into: [:]) { $0[$1] = facts ?? .exists(partitions: 5, settings: [:]) }
        return preview.preview(batch[0], mayHaveDefects: batch.mayHaveDefects, topics: known, now: now)
    }

    @Test func `a record is the one that delivery fills, in every format, and its size that on the wire`() throws {
        let event = Self.event()
        let events = RecordFormat.CloudEvents(source: try TextTemplate("/{bounded_context}"))
        for format in [RecordFormat.payload, .cloudEventsBinary(events), .cloudEventsStructured(events)] {
            for key in [RecordKey.aggregateID, .correlationID] {
                let options = try Self.options { ($0.route.format, $0.route.key) = (format, key) }
                let record = try #require(try Self.preview(event, options).record)
                let batch = try EventBatch([event])
                var sent = CapturedRecord()
                options.route.fill(batch[0], try options.route.prepare(batch[0]), note: nil, &sent)
                #expect(record.key == sent.key && record.value == sent.value && record.timestamp == sent.time)
                #expect(record.headers.map(\.name) == sent.headers.map(\.name))
                #expect(record.headers.map(\.value) == sent.headers.map(\.value) && record.size == sent.wireSize)
            }
        }
    }

    @Test func `the partition is that of the key, and its absence has a reason`() throws {
        let key = Array("u-1".utf8)
        let expected = Murmur2Partitioner.partition(forKey: key.span.bytes, of: 5)
        let options = try Self.options()
        #expect(try Self.preview(Self.event(), options).record?.partition == .number(expected))
        let away = try Self.preview(Self.event(), options, facts: .unknown("nobody answers"))
        #expect(away.isPublished && away.record?.partition == .unknown("nobody answers") && away.record?.limit == nil)
        let made = TopicFacts.toBeMade(TopicSpecification("identity", partitions: 5))
        #expect(try Self.preview(Self.event(), options, facts: made).record?.partition == .number(expected))
    }

    @Test func `an event outside of the scope says which part leaves it out, and what it has`() throws {
        let options = try Self.options {
            $0.scope = EventScope(aggregateTypes: ["User", "Account"], boundedContexts: ["Identity"])
        }
        #expect(try Self.preview(Self.event(), options).isPublished)
        let type = try Self.preview(Self.event(type: "Order"), options)
        #expect(type.reason?.code == "outside_scope" && type.record == nil)
        #expect(type.reason?.text == "its aggregate type is `Order`, and aggregate_types has User, Account")
        let both = try Self.preview(Self.event(context: "Shop", type: "Order"), options)
        #expect(
            both.reason?.text.contains("its bounded context is `Shop`, and bounded_contexts has Identity; its") == true)
    }

    @Test func `what can never be delivered has delivery's reason, and what becomes of it by the policy`() throws {
        let dead = try TopicName(sanitizing: "dead")
        let policies: [(PoisonPolicy, String)] = [
            (.halt, "its segment halts before it"), (.park, "it is parked, and the later"),
            (.deadLetterTopic(dead), "its record goes to the dead-letter topic `dead`"),
        ]
        for (policy, consequence) in policies {
            let foreign = try Self.preview(
                Self.event(), try Self.options("x.{aggregate_type}", allowed: ["y.*"]) { $0.onPoison = policy })
            #expect(foreign.reason?.code == "no_topic")
            #expect(foreign.reason?.text == "the topic `x.User` is not among topics_allowed")
            #expect(foreign.reason?.consequence?.hasPrefix(consequence) == true)
            let large = try Self.preview(
                Self.event(payload: String(repeating: "x", count: 3_000)),
                try Self.options { $0.onPoison = policy },
                facts: .exists(partitions: 1, settings: ["max.message.bytes": "2000"]))
            #expect(large.reason?.code == "too_large" && large.reason?.consequence?.hasPrefix(consequence) == true)
            #expect(large.reason?.text.hasSuffix("bytes, and 2000 are allowed in topic `identity`") == true)
            #expect(large.record?.limit == 2_000)
        }
    }

    @Test func `a dead letter that is too large is shown with what its topic takes of it`() throws {
        let dead = try TopicName(sanitizing: "dead")
        for format in [RecordFormat.payload, .cloudEventsStructured(.init(source: try TextTemplate("/shop")))] {
            let options = try Self.options { ($0.onPoison, $0.route.format) = (.deadLetterTopic(dead), format) }
            let found = try Self.preview(
                Self.event(payload: String(repeating: "x", count: 3_000)), options,
                facts: .exists(partitions: 1, settings: ["max.message.bytes": "2000"]))
            let letter = try #require(found.record)
            #expect(letter.topic == "dead" && letter.value == nil && letter.omittedBytes == nil && letter.size < 2_000)
            #expect(
                letter.headers.contains { $0.name == "dead_letter_omitted_bytes" && $0.value == Array("3000".utf8) })
        }
        // What not even an empty record fits into halts.
        let options = try Self.options { $0.onPoison = .deadLetterTopic(dead) }
        let never = try Self.preview(
            Self.event(payload: String(repeating: "x", count: 3_000)), options,
            facts: .exists(partitions: 1, settings: ["max.message.bytes": "100"]))
        #expect(never.reason?.consequence?.contains("does not take it either") == true)
    }

    @Test func `a topic that is to be made allows what brokers usually do`() throws {
        let options = try Self.options()
        let made = TopicFacts.toBeMade(TopicSpecification("identity", partitions: 5))
        let event = Self.event(payload: String(repeating: "x", count: 2_000_000))
        let found = try Self.preview(event, options, facts: made)
        #expect(found.reason?.code == "too_large" && found.record?.isTopicAbsent == true)
    }

    @Test func `a consumer that begins with what is there later publishes nothing of now`() throws {
        var record = ConsumerPreview.Record(totalSegments: 1)
        record.startsLater = true
        #expect(try Self.preview(Self.event(), try Self.options(), record: record).reason?.code == "before_start")
    }

    @Test func `a dead letter is shown as it goes to its topic`() throws {
        let dead = try TopicName(sanitizing: "dead")
        let options = try Self.options("x.{aggregate_type}", allowed: ["y.*"]) { $0.onPoison = .deadLetterTopic(dead) }
        let record = try #require(try Self.preview(Self.event(), options).record)
        #expect(record.topic == "dead" && record.timestamp == nil)
        #expect(record.headers.contains { $0.name == "dead_letter_reason" && $0.value == Array("no_topic".utf8) })
    }

    @Test func `a time that the topic does not take is reported, and a topic that takes nothing`() throws {
        let options = try Self.options()
        let early = try Self.preview(
            Self.event(), options,
            facts: .exists(partitions: 1, settings: ["message.timestamp.before.max.ms": "1"]))
        // Near to a bound is the broker's to judge.
        #expect(early.isPublished)
        var old = Self.event()
        old = PersistedEvent(
            globalPosition: 7, boundedContext: old.boundedContext, aggregateType: old.aggregateType, aggregateID: "a",
            eventType: "E", payload: [], createdAt: Date(timeIntervalSince1970: 1_000_000_000))
        let late = try Self.preview(
            old, options, facts: .exists(partitions: 1, settings: ["message.timestamp.before.max.ms": "1000"]))
        #expect(
            late.reason?.code == "rejected" && late.reason?.text.contains("message.timestamp.before.max.ms") == true)
        let absent = try Self.preview(Self.event(), options, facts: .refused(KafkaError(.unknownTopicOrPartition)))
        #expect(absent.reason?.code == "topic_refused" && absent.record?.topic == "identity")
        #expect(absent.reason?.text.hasPrefix("topic `identity` takes no records: ") == true)
    }

    // MARK: What the database knows

    @Test func `what lies before the start, or outside of the scope of then, was not published`() throws {
        let options = try Self.options()
        var record = ConsumerPreview.Record(totalSegments: 1)
        record.history.add(.init(after: 5, scope: EventScope(aggregateTypes: ["Order"])), to: 0)
        record.history.add(.init(after: 10, scope: .all), to: 0)
        #expect(try Self.preview(Self.event(5), options, record: record).reason?.code == "before_start")
        #expect(try Self.preview(Self.event(6), options, record: record).reason?.code == "outside_former_scope")
        #expect(try Self.preview(Self.event(11), options, record: record).isPublished)
        var planned = ConsumerPreview.Record(totalSegments: 1)
        planned.start = 8
        #expect(try Self.preview(Self.event(8), options, record: planned).reason?.code == "before_start")
        #expect(try Self.preview(Self.event(9), options, record: planned).isPublished)
    }

    @Test func `parked, discarded and halted events are named, and what waits behind a parked one`() throws {
        let options = try Self.options()
        var record = ConsumerPreview.Record(totalSegments: 1)
        record.letters = [
            Self.letter(5, .parked, "u-1"), Self.letter(6, .discarded, "u-2"), Self.letter(8, .halted, "u-3"),
            Self.letter(9, .redriving, "u-4"),
        ]
        func code(_ position: Int64, _ id: String) throws -> String? {
            var event = try Self.preview(Self.event(position, id: id), options, record: record)
            var held = ConsumerPreview(options, record).held
            held.take(&event)
            return event.reason?.code
        }
        #expect(try code(5, "u-1") == "parked" && code(6, "u-2") == "discarded" && code(8, "u-3") == "halted")
        #expect(try code(7, "u-1") == "parked" && code(4, "u-1") == nil)
        #expect(try code(7, "u-2") == nil && code(9, "u-4") == "halted")
        record.letters.removeAll { $0.state == .halted }
        #expect(try code(9, "u-4") == nil && code(10, "u-4") == "parked")
    }

    /// Positions that are published, of events of which every second one of `u-1` is too large.
    private static func published(_ policy: PoisonPolicy, totalSegments: Int) throws -> [Int64] {
        let options = try options { ($0.onPoison, $0.maximumRecordBytes) = (policy, 2_000) }
        let record = ConsumerPreview.Record(totalSegments: totalSegments)
        var held = ConsumerPreview(options, record).held
        return try (1...8).compactMap { position in
            let text = String(repeating: "x", count: position == 3 ? 3_000 : 1)
            var event = try preview(
                event(Int64(position), id: position % 2 == 1 ? "u-1" : "u-2", payload: text), options, record: record)
            held.take(&event)
            return event.isPublished ? event.position : nil
        }
    }

    @Test func `what waits behind an event that cannot be delivered is not published either`() throws {
        let dead = try TopicName(sanitizing: "dead")
        #expect(try Self.published(.halt, totalSegments: 1) == [1, 2])
        // The two aggregates have segments of their own.
        #expect(try Self.published(.halt, totalSegments: 2) == [1, 2, 4, 6, 8])
        #expect(try Self.published(.park, totalSegments: 1) == [1, 2, 4, 6, 8])
        #expect(try Self.published(.deadLetterTopic(dead), totalSegments: 1) == [1, 2, 4, 5, 6, 7, 8])
    }

    @Test func `what a tail has seen holds until the database knows better`() throws {
        let options = try Self.options("x.{aggregate_type}", allowed: ["y.*"]) { $0.onPoison = .park }
        var record = ConsumerPreview.Record(totalSegments: 1)
        var held = ConsumerPreview(options, record).held
        var poison = try Self.preview(Self.event(3), options, record: record)
        held.take(&poison)
        func code(_ held: inout HeldEvents) throws -> String? {
            var next = try Self.preview(Self.event(4), try Self.options(), record: record)
            held.take(&next)
            return next.reason?.code
        }
        held.update(ConsumerPreview(options, record).held, recorded: [])
        #expect(try code(&held) == "parked")
        record.letters = [Self.letter(3, .redriven, "u-1")]
        let preview = ConsumerPreview(options, record)
        held.update(preview.held, recorded: preview.recorded)
        #expect(try code(&held) == nil)
    }

    private static func letter(_ position: Int64, _ state: DeadLetter.State, _ id: String) -> DeadLetter {
        DeadLetter(
            consumer: "identity", position: position, segment: 0, eventID: UUID(), eventType: "Registered",
            aggregate: AggregateIdentity(boundedContext: "Identity", aggregateType: "User", aggregateID: id),
            aggregateVersion: 1, state: state, isCause: true, isRedriveRequested: false, reason: .tooLarge,
            error: "too large", attempts: 1, firstAt: Date(), lastAt: Date())
    }
}
