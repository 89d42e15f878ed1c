import TestSupport
import Testing

@testable import KafkaBridge

/// The comparison of what is committed with what is found, on generated histories.
@Suite struct DeliveryLedgerTests {
    /// A model that is slow and plain: lists of what lies where.
    private struct History {
        struct Event {
            let id: EventID
            let position: Int64
            let aggregate: UInt64
        }

        var events: [Event] = []
        /// By partition, in the order of offsets.
        var logs: [[(event: Int, isRepublished: Bool)]] = [[], [], []]

        init(seed: Int) {
            var random = Seeded(UInt64(seed))
            for number in 0..<Int.random(in: 1...150, using: &random) {
                // Some ids are counters, as some systems make them.
                let high = Bool.random(using: &random) ? UInt64.random(in: 0 ... .max, using: &random) : 7
                events.append(
                    Event(
                        id: EventID(high: high, low: UInt64(number)), position: Int64(number * 3 + 1),
                        aggregate: UInt64.random(in: 0..<20, using: &random)))
            }
            for index in events.indices {
                let place = Int(events[index].aggregate % 3)
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    logs[place].append((index, Int.random(in: 0..<5, using: &random) == 0))
                }
            }
            for place in logs.indices {
                for _ in 0..<Int.random(in: 0...10, using: &random) where logs[place].count > 1 {
                    logs[place].swapAt(
                        Int.random(in: 0..<logs[place].count, using: &random),
                        Int.random(in: 0..<logs[place].count, using: &random))
                }
            }
        }

        func liveOffsets(_ event: Int) -> [Int] {
            logs[Int(events[event].aggregate % 3)].enumerated()
                .filter { $1.event == event && !$1.isRepublished }.map(\.offset)
        }

        func isRepublished(_ event: Int) -> Bool {
            logs.contains { $0.contains { $0.event == event && $0.isRepublished } }
        }

        /// Those that come behind the first record of a later event of their aggregate, while none of those between
        /// is known itself.
        var outOfOrder: Set<Int64> {
            var found: Set<Int64> = []
            for (index, event) in events.enumerated() {
                guard let first = liveOffsets(index).first else { continue }
                let earlier = events[..<index].indices.filter {
                    events[$0].aggregate == event.aggregate && !found.contains(events[$0].position)
                }.compactMap { liveOffsets($0).first }
                if let last = earlier.max(), last > first { found.insert(event.position) }
            }
            return found
        }
    }

    @Test(arguments: 0..<100)
    func `what is absent, doubled, published again or out of order is found, whatever the windows`(seed: Int) {
        let history = History(seed: seed)
        var order = OrderCheck()
        var disorder: Set<Int64> = []
        let size = seed % 2 == 0 ? seed + 1 : 150
        for start in stride(from: 0, to: history.events.count, by: size) {
            let window = start..<min(start + size, history.events.count)
            var ledger = DeliveryLedger(capacity: seed % 3 == 0 ? 1 : size)
            for index in window {
                let event = history.events[index]
                ledger.commit(
                    DeliveryLedger.Entry(id: event.id, position: event.position, aggregate: event.aggregate))
            }
            var areOursKnown = true
            for (place, log) in history.logs.enumerated() {
                for (offset, record) in log.enumerated() {
                    let identity = RecordIdentity(
                        event: history.events[record.event].id, isRepublished: record.isRepublished)
                    let isOurs = ledger.found(
                        DeliveryLedger.Found(identity: identity, place: UInt16(place), offset: Int64(offset)))
                    areOursKnown = areOursKnown && isOurs == window.contains(record.event)
                }
            }
            #expect(areOursKnown && ledger.positions == window.map { history.events[$0].position })
            let locals = 0..<window.count
            #expect(locals.map { ledger.liveCount($0) } == window.map { history.liveOffsets($0).count })
            #expect(locals.map { ledger.isRepublished($0) } == window.map { history.isRepublished($0) })
            disorder.formUnion(ledger.outOfOrder(&order).map { ledger.positions[$0] })
        }
        #expect(disorder == history.outOfOrder)
    }

    @Test func `a record counts in its topic, and with its value`() {
        var ledger = DeliveryLedger(capacity: 4, comparesValues: true)
        let ids = (0..<4).map { EventID(high: 1, low: $0) }
        for (index, id) in ids.enumerated() {
            ledger.commit(.init(id: id, position: Int64(index + 1), aggregate: 7, topic: 2, value: UInt64(index + 1)))
        }
        func find(_ index: Int, topic: UInt16, offset: Int64, value: UInt64?) {
            let identity = RecordIdentity(event: ids[index], isRepublished: false)
            ledger.found(.init(identity: identity, topic: topic, place: 0, offset: offset, value: value))
        }
        find(0, topic: 2, offset: 0, value: 1)
        find(1, topic: 3, offset: 1, value: 2)
        find(2, topic: 2, offset: 2, value: 9)
        // What comes last counts.
        find(3, topic: 2, offset: 3, value: nil)
        find(3, topic: 2, offset: 4, value: 4)
        #expect((0..<4).map { ledger.isDelivered($0) } == [true, false, true, true])
        #expect((0..<4).map { ledger.isMisplaced($0) } == [false, true, false, false])
        #expect((0..<4).map { ledger.isDifferent($0) } == [false, false, true, false])
        #expect(ledger.absent == [1])
        // Earlier records of the aggregate tell where a later one was.
        #expect(ledger.placesOfEarlier(than: [1]) == [1: 0])
        ledger.forgetFound()
        #expect(ledger.absent == [0, 1, 2, 3])
        #expect(ledger.placesOfEarlier(than: ledger.absent).isEmpty)
    }

    @Test(arguments: seeds(3, of: "orders"))
    func `the order check distinguishes each of many aggregates and places`(seed: UInt64) {
        var random = Seeded(seed)
        var check = OrderCheck()
        var last: [String: Int64] = [:]
        for _ in 0..<30_000 {
            // Hashes that share their low bits too.
            let aggregate =
                UInt64.random(in: 0..<3_000, using: &random) << UInt64.random(in: 0...1, using: &random) * 40
            let place = UInt16.random(in: 0..<3, using: &random)
            let offset = Int64.random(in: 0..<1_000_000, using: &random)
            let before = last["\(aggregate) \(place)"]
            let passes = check.passes(aggregate, place: place, offset: offset)
            #expect(passes == (before.map { $0 <= offset } ?? true))
            if passes { last["\(aggregate) \(place)"] = offset }
        }
        #expect(!check.isPartial)
    }

    @Test func `the memory of the order check is bounded, and what it forgets is known`() {
        var check = OrderCheck(capacity: 10)
        func pass(_ aggregate: UInt64, _ place: UInt16 = 0, offset: Int64 = 100) -> Bool {
            check.passes(aggregate, place: place, offset: offset)
        }
        let first = (0..<15 as Range<UInt64>).map { pass($0) }
        let (earlier, elsewhere) = (pass(0, offset: 99), pass(0, 1, offset: 99))
        #expect(!first.contains(false) && !check.isPartial && !earlier && elsewhere)
        for aggregate in 15..<40 as Range<UInt64> { _ = pass(aggregate) }
        let forgotten = pass(0, offset: 99)
        #expect(check.isPartial && forgotten)
    }

    @Test func `an id reads the same from bytes and from text in either case`() throws {
        let bytes: [UInt8] = Array(0..<16)
        let id = EventID(bytes.span.bytes)
        #expect(id.text == "00010203-0405-0607-0809-0a0b0c0d0e0f")
        #expect(EventID(text: Array(id.text.utf8)) == id)
        #expect(EventID(text: Array(id.text.uppercased().utf8)) == id)
        for text in ["", "00010203040506070809", "00010203-0405-0607-0809-0a0b0c0d0e0g", id.text + "0"] {
            #expect(EventID(text: Array(text.utf8)) == nil, "\(text)")
        }
        #expect(EventID(text: Array("00010203_0405-0607-0809-0a0b0c0d0e0f".utf8)) == nil)
    }
}
