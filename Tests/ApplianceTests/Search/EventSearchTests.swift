import EventSourcing
import Foundation
import KafkaBridge
import TestSupport
import Testing

@testable import Appliance

/// What can be searched for, and within which bounds.
@Suite struct EventSearchTests {
    private let now = Date(timeIntervalSince1970: 1_796_068_865)
    private let own = EventsTable(TableNames().source)

    @Test func `a search is read from a query, and a link of it says the same again`() throws {
        let id = "0f12a11c-1111-4222-8333-944444444444"
        let search = try EventSearch(
            [
                "aggregate": " user-1 ", "type": "A, B,", "since": "2h", "before": "9,000", "limit": "10", "source": "",
                "context": "Identity",
            ],
            now: now)
        #expect(
            search.aggregate == "user-1" && search.eventTypes == ["A", "B"] && search.before == 9_000
                && search.limit == 10)
        #expect(search.since?.date == Date(timeIntervalSince1970: 1_796_068_865 - 7_200) && search.source == nil)
        #expect(search.way(in: own) == .aggregate("user-1") && search.isNarrowed)
        let query = search.query(before: 7)
        #expect(query.contains("aggregate=user-1") && query.contains("before=7") && query.contains("type=A%2CB"))
        #expect(try EventSearch(["id": "12,345"], now: now).way(in: own) == .position(12_345))
        #expect(
            try EventSearch(["id": id.uppercased()], now: now).way(in: own) == .id(try #require(UUID(uuidString: id))))
        #expect(try EventSearch([:], now: now).way(in: own) == .windows)
        #expect(try !EventSearch([:], now: now).isNarrowed)
    }

    @Test func `what is wrong is refused with what it must be`() {
        for (query, word) in [
            (["id": "x"], "UUID"), (["id": "0"], "UUID"), (["id": "-3"], "UUID"), (["since": "whenever"], "is no time"),
            (["before": "0"], "from 1"), (["limit": "501"], "from 1"), (["limit": "x"], "number"),
            (["color": "red"], "nothing to search by"),
            (["since": "1h", "until": "2h"], "not after"), (["aggregate": "a\u{0}"], "2,000 bytes"),
            (["type": String(repeating: "a", count: 3_000)], "2,000 bytes"),
        ] as [([String: String], String)] {
            #expect(throws: Failure.self, "\(query)") { try EventSearch(query, now: now) }
            do { _ = try EventSearch(query, now: now) } catch { #expect("\(error)".contains(word), "\(error)") }
        }
    }

    @Test func `windows cover every position once, from the newest to the oldest, whatever they take`() {
        var random = seeded("windows")
        for _ in 0..<200 {
            let last = Int64.random(in: 0...3_000_000, using: &random)
            let first = Int64.random(in: 1...max(1, last), using: &random)
            var windows = SearchWindows(from: last, downTo: first)
            var expected = last
            var count = 0
            while let window = windows.next {
                #expect(window.upperBound == expected && window.lowerBound >= first)
                expected = window.lowerBound - 1
                count += 1
                windows.took(.milliseconds(Int.random(in: 0...400, using: &random)))
            }
            #expect(expected == (last < first ? last : first - 1) && count <= 3_001)
        }
        var fast = SearchWindows(from: .max / 2)
        for _ in 0..<40 { fast.took(.zero) }
        #expect(fast.next.map { $0.count <= 10_000_000 } == true, "no statement has no bound")
    }

    @Test func `a time is found among positions that have gaps, in few looks`() {
        var random = seeded("bisection")
        for _ in 0..<300 {
            var (position, time) = (Int64.random(in: 0...5_000, using: &random), Int64(1_000))
            let events = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                position += Int64.random(in: 1...50, using: &random)
                time += Int64.random(in: 0...20, using: &random)
                return (position: position, time: time)
            }
            let wanted = Int64.random(in: 900...(time + 100), using: &random)
            var bisection = TimeBisection(wanted, last: events.last?.position ?? 0)
            var looks = 0
            while let probe = bisection.probe, looks < 100 {
                bisection.found(events.last { $0.position <= probe })
                looks += 1
            }
            #expect(looks < 64)
            // Everything before the time is at or before what was found, and everything from it on behind.
            for event in events { #expect((event.time < wanted) == (event.position <= bisection.position)) }
        }
    }

    @Test func `parked events are chosen by position, aggregate or consumer, and not without saying which`() throws {
        func read(_ text: String) throws -> ParkedChoice {
            guard case .object(let members) = try JSONParser.parse(text) else { throw Failure(.usage, "no object") }
            return try ParkedChoice(members, isForm: false)
        }
        let several = try read(#"{"consumer": "a", "positions": [3, 5]}"#)
        #expect(several.byConsumer.first?.selections.map(\.position) == [3, 5])
        #expect(
            try read(#"{"consumer": "a", "aggregate": "x"}"#).byConsumer.first?.selections.first?.aggregateID == "x")
        #expect(try read(#"{"consumer": "a", "every": true}"#).byConsumer.count == 1)
        for wrong in [
            "{}", #"{"consumer": "a"}"#, #"{"positions": [1]}"#, #"{"consumer": "a", "positions": ["x"]}"#,
            #"{"consumer": "a", "positions": 1}"#, #"{"every": true}"#, #"{"consumer": 7, "every": true}"#,
            #"{"consumer": "a", "every": false}"#,
            #"{"consumer": "a", "positions": [\#((0...500).map(String.init).joined(separator: ","))]}"#,
        ] { #expect(throws: Failure.self, "\(wrong.prefix(60))") { try read(wrong) } }
        let form = try ParkedChoice(
            [.init("event", "3:a"), .init("event", "4:b:c"), .init("event", "5:a")], isForm: true)
        #expect(form.byConsumer.map(\.consumer) == ["a", "b:c"] && form.byConsumer[0].selections.count == 2)
        #expect(throws: Failure.self) { try ParkedChoice([], isForm: true) }
        #expect(throws: Failure.self) { try ParkedChoice([.init("event", "x:a")], isForm: true) }
    }

    @Test func `payloads are shown as what they are, and hidden ones by their size alone`() {
        #expect(BytesView(Array(#"{"a":[1,2]}"#.utf8)).text == "{\n  \"a\": [\n    1,\n    2\n  ]\n}")
        #expect(BytesView(Array("plain <b>".utf8)).kind == .text && BytesView([]).kind == .empty)
        let bytes = BytesView([0xFF, 0x00, 0x0A])
        #expect(bytes.kind == .bytes && bytes.text == "ff 00 0a")
        let hidden = BytesView(Array("secret".utf8), isHidden: true)
        #expect(
            hidden.text.isEmpty && hidden.html.text.contains("6 bytes, hidden") && !hidden.html.text.contains("secret"))
        #expect(BytesView(Array(repeating: 65, count: BytesView.largest + 1)).kind == .large)
        #expect(BytesView(Array("<script>".utf8)).html.text.contains("&lt;script&gt;"))
    }
}
