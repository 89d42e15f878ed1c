import Consumers
import Kafka
import TestSupport
import Testing

@testable import EventSourcing
@testable import KafkaBridge
@testable import Postgres

/// What each choice of headers sends, header by header, and what it takes.
@Suite struct StandardHeadersTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    private static let id = "00010203-0405-0607-0809-0a0b0c0d0e0f"
    private static let time = "2000-01-01T00:00:00.000001Z"

    /// One event with every column.
    private static func batch() throws -> EventBatch {
        func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: number.bigEndian) { Array($0) }
        }
        var values = HostileValues(1, anyBytes: false)
        var rows = HostileRows(&values, count: 0)
        rows.rows = [
            [
                bigEndian(Int64(42)), Array("Sales".utf8), Array("Order".utf8), Array("order-7".utf8),
                bigEndian(Int64(3)),
                Array(0..<16), Array("OrderPlaced".utf8), bigEndian(Int32(2)), Array("{}".utf8), Array(parent.utf8),
                Array("corr-1".utf8), Array("cause-1".utf8), [1] + Array(#"{"tenant": "acme"}"#.utf8),
                bigEndian(Int64(1)),
            ]
        ]
        return try rows.batch(anyBytes: false)
    }

    private static func events() throws -> RecordFormat.CloudEvents {
        RecordFormat.CloudEvents(source: try TextTemplate("/shop"))
    }

    private static func route(_ headers: StandardHeaders, _ format: RecordFormat = .payload) throws -> Route {
        Route(topic: try TopicTemplate("t"), standardHeaders: headers, format: format)
    }

    private static func note(_ route: Route) -> DeadLetterNote {
        DeadLetterNote(
            reason: .tooLarge, error: "e", consumer: "c", segment: 0, position: 42, topic: "t", time: 0,
            prefix: route.headers.prefix)
    }

    private static func record(_ route: Route, note: DeadLetterNote? = nil) throws -> CapturedRecord {
        let event = try batch()
        var record = CapturedRecord()
        route.fill(event[0], route.prepareWhatIsPossible(event[0]), note: note, &record)
        return record
    }

    private static func sent(_ route: Route, note: DeadLetterNote? = nil) throws -> [String] {
        try record(route, note: note).headers.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
    }

    /// What each column is in a record of the format `payload`, and in CloudEvents beside what these always carry.
    private static let byColumn = [
        ("event_id", "event_id=\(id)", ""), ("event_type", "event_type=OrderPlaced", ""),
        ("event_version", "event_version=2", "ce_eventversion=2"),
        ("bounded_context", "bounded_context=Sales", "ce_boundedcontext=Sales"),
        ("aggregate_type", "aggregate_type=Order", "ce_aggregatetype=Order"),
        ("aggregate_id", "aggregate_id=order-7", "ce_subject=order-7"),
        ("aggregate_version", "aggregate_version=3", "ce_aggregateversion=3"),
        ("global_position", "global_position=42", "ce_globalposition=42"),
        ("created_at", "created_at=\(time)", "ce_time=\(time)"),
        ("trace_id", "trace_id=\(parent)", "ce_traceid=\(parent)"),
        ("correlation_id", "correlation_id=corr-1", "ce_correlationid=corr-1"),
        ("causation_id", "causation_id=cause-1", "ce_causationid=cause-1"),
    ]

    private static let required = [
        "content-type=application/json", "ce_specversion=1.0", "ce_id=\(id)", "ce_source=/shop", "ce_type=OrderPlaced",
    ]

    // MARK: What is sent

    @Test func `a payload carries all columns, the fewest, or none`() throws {
        #expect(try Self.sent(Self.route(.standard)) == Self.byColumn.map(\.1))
        #expect(
            try Self.sent(Self.route(.minimal(in: .payload)))
                == ["event_id=\(Self.id)", "event_type=OrderPlaced", "global_position=42"])
        #expect(try Self.sent(Self.route([])).isEmpty)
        let none = try Self.record(Self.route([]))
        #expect(none.key == Array("order-7".utf8) && none.value == Array("{}".utf8) && none.time == 946_684_800_000)
    }

    @Test func `each column of a list is that header and no other`() throws {
        #expect(StandardHeaders.columns.map(\.name) == Self.byColumn.map(\.0))
        let binary = RecordFormat.cloudEventsBinary(try Self.events())
        for (column, expected) in zip(StandardHeaders.columns, Self.byColumn) {
            #expect(try Self.sent(Self.route(column.header)) == [expected.1])
            let attributes = try Self.sent(Self.route(column.header.union(.requiredByCloudEvents), binary))
            #expect(attributes == Self.required + (expected.2.isEmpty ? [] : [expected.2]))
        }
    }

    @Test func `names begin with the prefix, whichever are chosen`() throws {
        var route = try Self.route([.eventID, .traceID])
        route.headers = HeaderNames(prefix: "x-")
        #expect(try Self.sent(route) == ["x-event_id=\(Self.id)", "x-trace_id=\(Self.parent)"])
        #expect(route.headers.length(of: [.eventID, .traceID]) == "x-event_idx-trace_id".utf8.count)
    }

    @Test func `CloudEvents in binary mode keep what the standard requires`() throws {
        let format = RecordFormat.cloudEventsBinary(try Self.events())
        #expect(try Self.sent(Self.route(.minimal(in: format), format)) == Self.required)
        let all = try Self.sent(Self.route(.standard, format))
        #expect(all.count == Self.required.count + 11 && all.contains("ce_partitionkey=order-7"))
        #expect(Set(all).isSuperset(of: Self.byColumn.map(\.2).filter { !$0.isEmpty }))
        // The key's bytes are no column.
        let listed = StandardHeaders.columns.reduce(into: StandardHeaders()) { $0.insert($1.header) }
        #expect(try Self.sent(Self.route(listed, format)) == all.filter { $0 != "ce_partitionkey=order-7" })
    }

    @Test func `in structured mode the content type is the only header, and the value has the attributes`() throws {
        let format = RecordFormat.cloudEventsStructured(try Self.events())
        let standard = try Self.record(Self.route(.standard, format))
        #expect(standard.headers.map(\.name) == ["content-type"])
        #expect(try Self.record(Self.route(.minimal(in: format), format)).value == standard.value)
    }

    @Test
    func
        `a dead letter says which event it is, a republication by which job it came, and members of the metadata stay`()
        throws
    {
        var route = try Self.route([])
        let note = Self.note(route)
        let letter = try Self.sent(route, note: note)
        #expect(letter.first == "event_id=\(Self.id)" && letter.contains("dead_letter_position=42"))
        #expect(letter.dropFirst().allSatisfy { $0.hasPrefix("dead_letter_") } && letter.count == 8)
        var least = note
        (least.isMinimal, least.omittedBytes) = (true, 2)
        #expect(try Self.sent(route, note: least).first == "event_id=\(Self.id)")

        route.republication = Republication(job: "job")
        route.metadataHeaders = MetadataHeaders(["tenant"])
        #expect(
            try Self.sent(route) == ["tenant=acme", "godwit_republish_job=job", "godwit_original_time=\(Self.time)"])
    }

    // MARK: What it takes

    @Test func `a record takes what was measured, to the byte, for each choice and format`() throws {
        let events = try Self.events()
        let event = try Self.batch()
        for format in [RecordFormat.payload, .cloudEventsBinary(events), .cloudEventsStructured(events)] {
            var sizes: [Int] = []
            for headers in [[], .eventID, .minimal(in: format), .standard] as [StandardHeaders] {
                var route = try Self.route(headers, format)
                route.headers = HeaderNames(prefix: "x-")
                let size = RecordSize(route)
                for note in [nil, Self.note(route)] {
                    let wire = try Self.record(route, note: note).wireSize
                    #expect(size.size(of: event[0], note: note) == wire)
                    #expect(size.excess(over: wire, event[0], note: note) == nil)
                    #expect(size.excess(over: wire - 1, event[0], note: note) == wire)
                }
                sizes.append(size.size(of: event[0]))
            }
            #expect(sizes == sizes.sorted())
            // A batch of one record: 61 bytes, its length, and attributes, times, key, value and the number of headers.
            if format == .payload { #expect(sizes[0] == 61 + 1 + 3 + 8 + 3 + 1) }
        }
    }

    @Test func `memory is counted by the headers there are`() throws {
        let events = try Self.events()
        #expect(try Self.route(.standard).memoryPerEvent == 1_536)
        #expect(try Self.route(.minimal(in: .payload)).memoryPerEvent == 726)
        #expect(try Self.route([]).memoryPerEvent == 256)
        #expect(try Self.route(.standard, .cloudEventsBinary(events)).memoryPerEvent == 456 + 16 * 90)
        let binary = RecordFormat.cloudEventsBinary(events)
        #expect(try Self.route(.minimal(in: binary), binary).memoryPerEvent == 456 + 5 * 90)
        #expect(try Self.route(.standard, .cloudEventsStructured(events)).memoryPerEvent == 456 + 90)
        var route = try Self.route([])
        route.republication = Republication(job: "job")
        route.metadataHeaders = MetadataHeaders(["tenant"])
        #expect(route.memoryPerEvent == 456 + 3 * 90)
        let publisher = KafkaPublisher(
            KafkaPublisherOptions(
                name: "test", client: ClientConfiguration(bootstrapServers: "127.0.0.1:1"), route: route,
                topics: .mustExist), logger: quiet)
        #expect(publisher.memoryPerEvent == route.memoryPerEvent)
    }

    @Test func `whether a record names its event depends on the choice`() throws {
        #expect(try Self.route(.standard).namesEvents && Self.route(.minimal(in: .payload)).namesEvents)
        #expect(try !Self.route([]).namesEvents && !Self.route([.eventType, .globalPosition]).namesEvents)
        #expect(try Self.route(.standard, .cloudEventsStructured(Self.events())).namesEvents)
    }

    // MARK: Through a broker

    @Test(arguments: [.standard, .minimal(in: .payload), [], [.traceID, .eventType]] as [StandardHeaders])
    func `readers get what was chosen`(_ headers: StandardHeaders) async throws {
        let kafka = try await TestKafka()
        let topic = kafka.uniqueTopic()
        let route = Route(topic: try TopicTemplate(topic), standardHeaders: headers)
        let publisher = KafkaPublisher(
            KafkaPublisherOptions(
                name: "test", client: kafka.client(), route: route, topics: .create(partitions: 1)), logger: quiet)
        let events = try Self.batch()
        try await publisher.deliver(
            FeedBatch(events: events, selection: [.init(index: 0, segment: 0)], through: 42, isFull: false))
        await publisher.close()
        let record = try #require(try await kafka.readAll([topic]).first)
        let received = record.headers.map { "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))" }
        #expect(try received == Self.sent(route))
        #expect(record.key == Array("order-7".utf8) && record.value == Array("{}".utf8))
    }
}
