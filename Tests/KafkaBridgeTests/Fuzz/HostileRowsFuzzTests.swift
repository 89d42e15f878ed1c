import Foundation
import TestSupport
import Testing

@testable import Consumers
@testable import EventSourcing
@testable import Kafka
@testable import KafkaBridge

/// Rows of hostile values through the code that makes records of them, without a server. `GODWIT_FUZZ_ROWS` says how many.
@Suite struct HostileRowsFuzzTests {
    static let rows = ProcessInfo.processInfo.environment["GODWIT_FUZZ_ROWS"].flatMap { Int($0) } ?? 4_000

    private static func routes() throws -> [Route] {
        let metadata = MetadataHeaders(["tenant", "user", ""], prefix: "m_")
        let events = RecordFormat.CloudEvents(
            source: try TextTemplate("/\"{bounded_context}/{aggregate_type}/{aggregate_id}{aggregate_id}"))
        let bytes = RecordFormat.CloudEvents(
            source: try TextTemplate("{causation_id}"), contentType: "application/octet-stream; x=\"y\"")
        let topics = [
            "{event_type|kebab}", "a.{aggregate_type|upper}.{event_version}", "fixed", "{bounded_context|lower}",
        ]
        let keys: [RecordKey] = [
            .aggregateID, .correlationID, .template(try TextTemplate("{trace_id}{trace_id}{trace_id}-{aggregate_id}")),
        ]
        let formats: [RecordFormat] = [
            .payload, .cloudEventsBinary(events), .cloudEventsStructured(events), .cloudEventsStructured(bytes),
        ]
        var routes: [Route] = []
        for (index, format) in formats.enumerated() {
            for (number, key) in keys.enumerated() {
                routes.append(
                    Route(
                        topic: try TopicTemplate(topics[(index + number) % topics.count]), key: key,
                        headers: HeaderNames(prefix: "x-"),
                        metadataHeaders: number == 1 ? MetadataHeaders() : metadata, format: format,
                        republication: number == 2 ? Republication(job: "job") : nil))
            }
        }
        return routes
    }

    @Test(arguments: [false, true], seeds(4, of: "hostile rows"))
    func `every row is a record as it is measured, or has a reason why not`(_ anyBytes: Bool, _ seed: UInt64) throws {
        var values = HostileValues(seed, anyBytes: anyBytes)
        let routes = try Self.routes()
        var routers = routes.map { Router($0) }
        var (defects, homeless) = (0, 0)
        for _ in 0..<max(1, Self.rows / 8 / 50) {
            let batch = try HostileRows(&values, count: 50).batch(anyBytes: anyBytes)
            for index in batch.indices {
                let event = batch[index]
                let number = Int.random(in: 0..<routes.count, using: &values.random)
                let defect = batch.mayHaveDefects ? event.defect(includesMetadata: true) : nil
                if defect != nil { defects += 1 }
                if case .failure(let error) = routers[number].topic(for: event) {
                    homeless += 1
                    #expect(!error.description.isEmpty)
                }
                var route = routes[number]
                // Any choice of headers.
                route.standardHeaders = StandardHeaders(
                    rawValue: UInt16.random(in: .min ... .max, using: &values.random)
                )
                .intersection(.standard)
                try check(event, route, defect, seed)
                checkConversions(event)
            }
        }
        #expect(defects > 0 && homeless > 0)
    }

    private func check(
        _ event: EventView, _ route: Route, _ defect: EventDefect?, _ seed: UInt64
    ) throws {
        let size = RecordSize(route)
        var note: DeadLetterNote?
        if let defect {
            note = DeadLetterNote(
                reason: .malformed, error: defect.description, consumer: "c", segment: 0,
                position: event.globalPosition,
                topic: nil, time: event.createdAtMicroseconds, prefix: "x-")
        }
        var record = CapturedRecord()
        let prepared = route.prepareWhatIsPossible(event)
        route.fill(event, prepared, note: note, &record)
        let wire = record.wireSize
        #expect(size.size(of: event, note: note) == wire, "seed \(seed)")
        #expect(
            size.excess(over: wire, event, note: note) == nil, "seed \(seed): a rough bound is too high to be exact")
        #expect(size.excess(over: wire - 1, event, note: note) != nil, "seed \(seed): the rough bound is too low")
        #expect(record.key != nil)
        if var least = note {
            (least.isMinimal, least.omittedBytes) = (true, 0)
            var small = CapturedRecord()
            route.fill(event, prepared, note: least, &small)
            #expect(small.wireSize < 5_000 && size.size(of: event, note: least) == small.wireSize, "seed \(seed)")
        }
        #expect(note == nil || record.time == nil)
        #expect((record.time ?? 1) >= 1 && (record.time ?? 1) <= 253_402_300_799_999)
        if defect == nil {
            for header in record.headers {
                #expect(String(validating: header.value, as: UTF8.self) != nil, "seed \(seed): \(header.name)")
            }
        }
        if case .cloudEventsStructured = route.format {
            let value = record.value ?? []
            let isJSON = JSONText.isValid(value.span.bytes)
            #expect(isJSON, "seed \(seed): \(String(decoding: value.prefix(400), as: UTF8.self))")
        }
        // What is sent is found again by `verify`.
        let consumed = ConsumedRecord(
            topic: "t", partition: 0, offset: 0, timestamp: record.time, key: record.key, value: record.value,
            headers: record.headers.map { ConsumedRecord.Header(name: $0.name, value: $0.value) })
        let identity = RecordIdentity(consumed, header: "x-event_id")
        let expected = route.namesEvents || note != nil ? EventID(event.eventID) : nil
        #expect(identity?.event == expected, "seed \(seed)")
    }

    /// What else is made of rows: values of their own, texts, hashes, ages.
    private func checkConversions(_ event: EventView) {
        let value = event.event
        #expect(value.globalPosition == event.globalPosition)
        #expect(value.createdAt.timeIntervalSince1970.isFinite)
        let aggregate = event.aggregate
        #expect(aggregate.aggregateID.utf8.count <= 600 && aggregate.boundedContext.utf8.count <= 600)
        let segment = FNV1aPartitionStrategy().segment(of: event.aggregateID, totalSegments: 16)
        #expect((0..<16).contains(segment))
        #expect(WallClock.age(of: event.createdAtMicroseconds) >= 0)
        var kinds = EventKinds()
        let isLong = event.boundedContext.byteCount + event.aggregateType.byteCount > EventKinds.longest
        #expect(kinds.number(of: event) == (isLong ? EventKinds.overflow : 0))
        let row = UndeliverableEvent(
            position: event.globalPosition, segment: segment, epoch: 0, eventID: event.eventUUID,
            eventType: String(copying: event.eventType), aggregate: aggregate, aggregateVersion: event.aggregateVersion,
            reason: .malformed, error: String(copying: event.eventType).cut(toBytes: 20))
        #expect(row.error.utf8.count <= 23)
    }

    @Test func `a text is cut between characters, and says that it was`() {
        #expect("abc".cut(toBytes: 3) == "abc")
        #expect("abcd".cut(toBytes: 3) == "abc…")
        #expect("漢字".cut(toBytes: 4) == "漢…")
        #expect("漢字".cut(toBytes: 2) == "…")
    }
}
