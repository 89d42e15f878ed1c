import EventSourcing
import TestSupport
import Testing

@testable import KafkaBridge

/// Whatever the order of events, notes, redrives, decisions and kills: of each aggregate everything is delivered or
/// decided about, first occurrences in order, and nothing newer overtakes what is parked.
@Suite struct ParkedHistoryTests {
    private struct Row {
        let position: Int64
        var isCause: Bool
        var state = DeadLetter.State.parked
        var isRequested = false
    }

    /// A relay, its table and its topic, as the publisher has them, with every await a step of its own.
    private struct Model {
        var random: Seeded
        var parked = ParkedAggregates()
        /// The table, by position.
        var rows: [Int64: Row] = [:]
        /// What was routed to be noted and is not committed yet, in order.
        var pending: [Int64] = []
        /// First occurrences in the topic.
        var delivered: [Int64] = []
        var bad: Set<Int64> = []
        var next: Int64 = 1
        var checkpoint: Int64 = 0
        let aggregate = AggregateIdentity(boundedContext: "c", aggregateType: "t", aggregateID: "a")

        init(seed: Int) { random = Seeded(UInt64(seed)) }

        func open() -> [Row] {
            rows.values.filter { $0.state == .parked || $0.state == .redriving }.sorted { $0.position < $1.position }
        }

        mutating func deliver(_ position: Int64) {
            if !delivered.contains(position) { delivered.append(position) }
        }

        /// An event is handed over.
        mutating func arrive() {
            let position = next
            next += 1
            switch parked.fate(of: position, aggregate, in: 0) {
            case .settled: break
            case .follow:
                parked.hold(position, of: aggregate, in: 0)
                pending.append(position)
            case .deliver:
                if bad.contains(position) {
                    parked.hold(position, of: aggregate, in: 0)
                    pending.append(-position)
                } else {
                    deliver(position)
                }
            }
        }

        /// The oldest is committed; as an upsert, what is there stays.
        mutating func commit() {
            guard !pending.isEmpty else { return }
            let signed = pending.removeFirst()
            let position = abs(signed)
            if rows[position] == nil { rows[position] = Row(position: position, isCause: signed < 0) }
            parked.recorded(aggregate, in: 0)
        }

        /// A look at the table, and the redrive of what is ready.
        mutating func look() {
            let open = open()
            let waiting = open.first.map { first in
                WaitingAggregate(
                    segment: 0, aggregate: aggregate, position: first.position, isCause: first.isCause,
                    state: first.state, isRedriveRequested: first.isRequested, size: open.count)
            }
            parked.found(waiting.map { [$0] } ?? [])
            guard waiting?.isReady == true else { return }
            for row in open.prefix(Int.random(in: 1...3, using: &random)) {
                if bad.contains(row.position) {
                    rows[row.position]?.isCause = true
                    rows[row.position]?.isRequested = false
                    rows[row.position]?.state = .parked
                    break
                }
                deliver(row.position)
                rows[row.position]?.state = .redriven
            }
            parked.found(self.open().count, of: aggregate, in: 0)
        }

        mutating func decide() {
            guard let first = open().first else { return }
            switch Int.random(in: 0..<3, using: &random) {
            case 0: rows[first.position]?.isRequested = true
            case 1: bad.remove(first.position)
            default:
                if let row = open().randomElement(using: &random) { rows[row.position]?.state = .discarded }
            }
        }

        /// What is done moves the checkpoint: nothing at or below it waits to be noted.
        mutating func checkpointMoves() {
            checkpoint = max(checkpoint, (pending.map { abs($0) }.min() ?? next) - 1)
            parked.passed(checkpoint)
        }

        /// The relay is killed, and the next one begins at the checkpoint.
        mutating func kill() {
            pending = []
            parked = ParkedAggregates()
            let open = open()
            let waiting = open.first.map { first in
                [
                    WaitingAggregate(
                        segment: 0, aggregate: aggregate, position: first.position, isCause: first.isCause,
                        state: first.state, isRedriveRequested: first.isRequested, size: open.count)
                ]
            }
            let known = rows.filter { $0.key > checkpoint }.mapValues(\.state)
            parked.begin(0, waiting ?? [], known: known)
            next = checkpoint + 1
        }
    }

    @Test(arguments: 0..<400) func `nothing is lost and nothing overtakes`(seed: Int) {
        var model = Model(seed: seed)
        let last: Int64 = 60
        for position in 1...last where Int.random(in: 0..<8, using: &model.random) == 0 { model.bad.insert(position) }
        var steps = 0
        while steps < 400 {
            steps += 1
            switch Int.random(in: 0..<20, using: &model.random) {
            case 0...7: if model.next <= last { model.arrive() }
            case 8...11: model.commit()
            case 12...15: model.look()
            case 16: model.decide()
            case 17, 18: model.checkpointMoves()
            default: if Int.random(in: 0..<3, using: &model.random) == 0 { model.kill() }
            }
            #expect(model.delivered == model.delivered.sorted(), "overtaken: \(model.delivered)")
        }
        // Everything is fixed and asked for in the end.
        model.bad = []
        while model.next <= last { model.arrive() }
        for _ in 0..<300 {
            model.commit()
            if let first = model.open().first { model.rows[first.position]?.isRequested = true }
            model.look()
        }
        let discarded = model.rows.values.filter { $0.state == .discarded }.map(\.position)
        #expect(model.open().isEmpty && model.parked.count == 0)
        #expect(model.delivered == model.delivered.sorted())
        #expect(Set(model.delivered + discarded) == Set(1...last))
    }

    @Test func `counts follow what is parked`() {
        let one = AggregateIdentity(boundedContext: "c", aggregateType: "t", aggregateID: "1")
        let two = AggregateIdentity(boundedContext: "c", aggregateType: "t", aggregateID: "2")
        var parked = ParkedAggregates()
        parked.hold(8, of: one, in: 0)
        parked.hold(7, of: one, in: 0)
        parked.hold(5, of: two, in: 1)
        #expect(parked.count == 2 && parked.size == 3)
        // What came before waits for nothing.
        #expect(parked.fate(of: 6, one, in: 0) == .deliver)
        #expect(parked.fate(of: 9, one, in: 1) == .deliver && parked.fate(of: 9, one, in: 0) == .follow)
        parked.recorded(one, in: 0)
        // One is still on its way.
        let isReleasedEarly = parked.found(0, of: one, in: 0)
        #expect(!isReleasedEarly)
        parked.release(one, in: 0)
        let isReleased = parked.found(0, of: one, in: 0)
        #expect(isReleased && parked.count == 1 && !parked.concerns(0))
        parked.end(1)
        #expect(parked.count == 0 && parked.size == 0)
    }
}
