import EventSourcing
import TestSupport
import Testing

@testable import Kafka
@testable import KafkaBridge

/// Templates, places, projections and payloads of any kind: right as on trees, or undeliverable. `GODWIT_SEED` repeats a run.
@Suite struct RecordFuzzTests {
    private static let key = KeyedHash(key: Array("k".utf8))
    private static let names = ["a", "b", "email", "", "0", "1", "a/b", "~", "é", "\u{fffd}", "e\u{301}"]

    /// JSON without a space, so that what is hashed of objects is what a tree writes.
    private struct Writer {
        var random: Seeded
        var isSpaced = false

        mutating func pick<Value>(_ values: [Value]) -> Value {
            values[Int.random(in: 0..<values.count, using: &random)]
        }

        mutating func isOne(in count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

        private mutating func space() -> String { isSpaced ? pick(["", "", " ", "\n", "\t \r"]) : "" }

        mutating func name() -> String {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: #""\#(pick(["\\u0061", "\\u0000", "e\\u0301", "\\ud800", "\\u00e9", "a\\/b", "\\ud83d\\udc26"]))""#
            default: "\"\(pick(RecordFuzzTests.names))\""
            }
        }

        mutating func value(_ depth: Int = 0) -> String {
            let value: String
            let kinds = depth == 0 && !isOne(in: 5) ? 8..<10 : 0..<(depth > 4 ? 6 : 10)
            switch Int.random(in: kinds, using: &random) {
            case 0: value = pick(["null", "true", "false"])
            case 1: value = pick(["0", "-0", "1e400", "-1.50E-999", String(repeating: "9", count: 400), "0.10"])
            case 2, 3: value = name()
            case 4:
                value =
                    #""\#(pick(["\\u0000", "\\ud800", "\\udc00\\ud800", "\\ud83d\\udc26", "\\\"\\\\\\/\\b", "漢字", "]},\\\""]))""#
            case 5: value = "\"\(String(repeating: "x", count: pick([0, 1, 3_000])))\""
            case 6, 7:
                let items = (0..<Int.random(in: 0...3, using: &random)).map { _ in self.value(depth + 1) }
                value = "[" + space() + items.joined(separator: ",") + space() + "]"
            default:
                let members = (0..<Int.random(in: 0...7, using: &random)).map { _ in
                    space() + name() + space() + ":" + self.value(depth + 1)
                }
                value = "{" + members.joined(separator: ",") + space() + "}"
            }
            return space() + value + space()
        }

        mutating func pointer() -> String {
            let tokens = (0..<pick([1, 1, 1, 2, 2, 3])).map { _ in pick(RecordFuzzTests.names) }
            return tokens.map { "/" + ($0 == "~" ? "~0" : $0 == "a/b" ? "a~1b" : $0) }.joined()
        }

        mutating func steps() throws -> ProjectionSteps {
            while true {
                func some(_ writer: inout Writer) throws -> [JSONPointer] {
                    try (0..<Int.random(in: 0...2, using: &writer.random)).map { _ in try JSONPointer(writer.pointer())
                    }
                }
                var steps = ProjectionSteps()
                if Bool.random(using: &random) { steps.keep = try some(&self) }
                steps.drop = try some(&self)
                steps.mask = try some(&self)
                steps.hash = try some(&self)
                steps.rename = try some(&self).map { ($0, pick(RecordFuzzTests.names + ["new"])) }
                if steps.contradictions.isEmpty { return steps }
            }
        }
    }

    @Test(arguments: seeds(6, of: "projections"))
    func `a projection is what it is on a tree, or refused`(_ seed: UInt64) throws {
        var writer = Writer(random: Seeded(seed))
        var (same, refused, invalid) = (0, 0, 0)
        for round in 0..<600 {
            let steps = try writer.steps()
            writer.isSpaced = steps.hash.isEmpty && round % 2 == 0
            var payload = Array(writer.value().utf8)
            if round % 5 == 0, !payload.isEmpty {
                // No JSON, most of the time.
                let index = Int.random(in: 0..<payload.count, using: &writer.random)
                payload[index] = writer.pick([0, 0x22, 0x5c, 0x2c, 0x7d, 0x5d, 0xff, 0x30])
                if Bool.random(using: &writer.random) { payload = Array(payload[..<index]) }
            }
            let where_ = "seed \(seed), round \(round): \(steps) \(String(decoding: payload, as: UTF8.self))"
            let projection = ValueProjection(steps, key: Self.key)
            let result = Result { () throws(RecordProblem) in try projection.apply(to: payload.span.bytes) }
            guard let tree = JSONTree(payload) else {
                invalid += 1
                #expect(result.failure == .payloadNotJSON, "\(where_)")
                continue
            }
            guard let expected = try? TreeProjection(steps, key: Self.key).apply(tree) else {
                refused += 1
                #expect(result.failure != nil, "\(where_)")
                continue
            }
            same += 1
            guard case .success(let bytes) = result else {
                Issue.record("\(where_): \(result)")
                continue
            }
            #expect(JSONTree(bytes) == expected, "\(where_): \(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(same > 200 && refused > 0 && invalid > 20, "\(same) \(refused) \(invalid)")
    }

    @Test(arguments: seeds(4, of: "places"))
    func `a key of a place is the text that a tree has there, or there is none`(_ seed: UInt64) throws {
        var writer = Writer(random: Seeded(seed), isSpaced: true)
        var (found, none) = (0, 0)
        for round in 0..<800 {
            let text = writer.pointer()
            let pointer = try JSONPointer(text)
            let payload = writer.value()
            let place = EventPlace(.payload, pointer)
            let batch = try EventFixture(payload: payload).batch()
            let result = place.text(in: batch[0])
            let expected = JSONTree(Array(payload.utf8)).flatMap { Self.text(at: pointer.path[...], in: $0) }
            #expect((try? result.get()) == expected, "seed \(seed), round \(round): \(text) in \(payload)")
            if expected == nil { none += 1 } else { found += 1 }
            guard !text.contains("}") else { continue }
            // As a key it is the same, and never empty.
            let template = try TextTemplate("{payload.\(text)}")
            let route = Route(topic: try TopicTemplate("t"), key: .template(template))
            let key = try? route.prepare(batch[0]).key
            #expect(key == (expected?.isEmpty == true ? nil : expected), "seed \(seed), round \(round)")
        }
        #expect(found > 20 && none > 200, "\(found) \(none)")
    }

    /// Objects, arrays, `null` and what is no text have none.
    private static func text(at path: ArraySlice<[UInt8]>, in tree: JSONTree) -> [UInt8]? {
        guard let token = path.first else {
            switch tree {
            case .scalar(let bytes): return bytes == Array("null".utf8) ? nil : bytes
            case .string(let bytes): return JSONTree.text(Array(bytes.dropFirst().dropLast()), strictly: true)
            case .array, .object: return nil
            }
        }
        switch tree {
        case .scalar, .string: return nil
        case .array(let items):
            guard let index = items.indices.first(where: { Array("\($0)".utf8) == token }) else { return nil }
            return text(at: path.dropFirst(), in: items[index])
        case .object(let members):
            // The last of a name counts.
            guard let member = members.last(where: { JSONTree.text($0.name, strictly: false) == token }) else {
                return nil
            }
            return text(at: path.dropFirst(), in: member.value)
        }
    }

    @Test(arguments: seeds(4, of: "records"))
    func `a record takes what was measured, whatever the route asks for`(_ seed: UInt64) throws {
        var writer = Writer(random: Seeded(seed), isSpaced: true)
        let events = RecordFormat.CloudEvents(source: try TextTemplate("/{payload./a}{aggregate_id}"))
        let formats: [RecordFormat] = [.payload, .cloudEventsBinary(events), .cloudEventsStructured(events)]
        for round in 0..<150 {
            var route = Route(topic: try TopicTemplate("t"), format: writer.pick(formats))
            func place(_ writer: inout Writer) throws -> AddedHeaders.Source {
                .place(EventPlace(writer.pick([.metadata, .payload]), try JSONPointer(writer.pointer())))
            }
            route.addedHeaders = AddedHeaders(
                [.init("one", .value("漢字\"")), .init("two", try place(&writer)), .init("three", try place(&writer))],
                prefix: "x-")
            route.metadataHeaders = writer.pick([
                MetadataHeaders(), .all(prefix: "m-"), MetadataHeaders(["a", "email"]),
            ])
            route.traceHeaders = writer.pick([[], .parent, [.parent, .state, .baggage]])
            if Bool.random(using: &writer.random) {
                route.key = .template(try TextTemplate("{payload.\("/a")}-{event_id}"))
            }
            if Bool.random(using: &writer.random) {
                route.projection = ValueProjection(try writer.steps(), key: Self.key)
            }
            route.tombstones = writer.pick([Tombstones(), Tombstones(types: ["OrderPlaced"])])
            let fixture = EventFixture(
                payload: writer.value(), metadata: writer.pick([nil, writer.value()]),
                traceID: writer.pick([nil, "x", String(repeating: "a", count: 32)]))
            let batch = try fixture.batch()
            let size = RecordSize(route)
            let note = DeadLetterNote(
                reason: .record, error: "e", consumer: "c", segment: 0, position: 42, topic: "t", time: 0, prefix: "x-")
            for note in [nil, note] {
                let prepared = route.prepareWhatIsPossible(batch[0])
                var record = CapturedRecord()
                route.fill(batch[0], prepared, note: note, &record)
                let wire = record.wireSize
                let message = "seed \(seed), round \(round)"
                #expect(size.size(of: batch[0], prepared, note: note) == wire, "\(message)")
                #expect(size.excess(over: wire, batch[0], prepared, note: note) == nil, "\(message)")
                #expect(size.excess(over: wire - 1, batch[0], prepared, note: note) != nil, "\(message)")
                if case .cloudEventsStructured = route.format, let value = record.value {
                    let isValid = JSONText.isValid(value.span.bytes)
                    #expect(isValid, "\(message)")
                }
                if route.format != .payload {
                    for header in record.headers where header.name.hasPrefix("ce_") {
                        #expect(!header.value.isEmpty || header.name.count < 9, "\(message): \(header.name)")
                        let isLegal = AttributeText.isLegal(header.value.span.bytes)
                        #expect(isLegal, "\(message): \(header.name)")
                    }
                }
            }
        }
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
