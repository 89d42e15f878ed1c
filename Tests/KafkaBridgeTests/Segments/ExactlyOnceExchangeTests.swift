import EventSourcing
import FoundationEssentials
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// Segments that are delivered exactly once are exchanged, while owners die between commits, checkpoints and exchanges.
@Suite struct ExactlyOnceExchangeTests {
    /// `GODWIT_HISTORIES` says how many.
    private static let count = ProcessInfo.processInfo.environment["GODWIT_HISTORIES"].flatMap { Int($0) } ?? 300

    @Test(arguments: seeds(count, of: "exchanges that deliver exactly once"))
    func `whatever dies when, each event is delivered once, in order`(_ seed: UInt64) throws {
        var history = try ExchangeHistory(seed)
        for _ in 0..<120 { try history.step() }
        try history.finish()
        #expect(history.exchanges > 0 || seed % 7 != 0, "histories exchange now and then")
    }

    private let parked: SegmentProgress = {
        var progress = SegmentProgress(lineage: "l", epoch: 3, transactionalID: "t")
        progress.advance(to: EventReference(position: 50, eventID: UUID()), scope: .all, redriven: [8])
        progress.parked.insert(40)
        return progress
    }()

    private func exchange(
        _ progress: SegmentProgress, checkpoint: Int64 = 10, scope: EventScope = .all,
        letters: [Int64: String] = [8: "a", 40: "b"]
    ) throws(ResegmentationError) -> ExactlyOnceExchange {
        let former = ExactlyOnceExchange.Former(segment: 0, epoch: 3, checkpoint: checkpoint, progress: progress)
        return try ExactlyOnceExchange(
            "c", [former], to: 5, scope: scope, letters: letters, lineage: "next", id: "exchange")
    }

    @Test
    func `what is committed counts, not the checkpoint, and what was delivered again is known by its new segment`()
        throws
    {
        let made = try exchange(parked)
        #expect(made.done == FormerSegments([50]) && made.epoch == 4)
        #expect(made.seeds.keys.sorted() == Array(0..<5))
        let segment = FNV1aPartitionStrategy().segment(of: Array("a".utf8).span.bytes, totalSegments: 5)
        for (number, seed) in made.seeds {
            #expect(seed.redriven == (number == segment ? [8] : []))
            #expect(seed.lineage == "next" && seed.epoch == 4 && seed.transactionalID == "exchange")
            #expect(seed.covers.isEmpty && seed.successor == nil)
        }
        let mark = try #require(made.marks[0])
        #expect(mark.successor == .init(lineage: "next", segments: 5) && mark.epoch == 3 && mark.lineage == "l")
        #expect(mark.last == parked.last && mark.parked == parked.parked && mark.redriven == [8])
        #expect(try SegmentProgress(value: mark.value(of: "c", 0)) == mark)
        #expect(mark.advanced(by: .init(), scope: .all, epoch: 5, id: "t").successor == nil)
        #expect(try exchange(parked, checkpoint: 60).done == FormerSegments([60]))
    }

    @Test func `what the database has lost of parked events, and what an earlier scope has ahead, is refused by name`()
        throws
    {
        #expect(throws: ResegmentationError.behindParked("c", segment: 0, position: 40)) {
            try exchange(parked, letters: [8: "a"])
        }
        // The checkpoint has passed it.
        #expect(try exchange(parked, checkpoint: 40, letters: [8: "a"]).done == FormerSegments([50]))
        var two = parked
        two.advance(
            to: EventReference(position: 45, eventID: UUID()), scope: EventScope(aggregateTypes: ["User"]), redriven: []
        )
        let users = EventScope(aggregateTypes: ["User"])
        #expect(throws: ResegmentationError.behindScope("c", segment: 0, position: 50)) {
            try exchange(two, scope: users)
        }
        // What a new scope wants below is not delivered, whatever the only one of before has done.
        #expect(throws: ResegmentationError.behindScope("c", segment: 0, position: 50)) {
            try exchange(parked, scope: users)
        }
        #expect(try exchange(two).done == FormerSegments([50]))
        #expect(try exchange(two, checkpoint: 60, scope: users, letters: [8: "a"]).done == FormerSegments([60]))
    }
}

/// A log, what Kafka and the database know of a consumer's segments, and what was delivered.
private struct ExchangeHistory {
    private static let aggregates = (0..<9).map { "aggregate-\($0)" }

    private struct Segment {
        var checkpoint: Int64
        var epoch: Int64
        var progress: SegmentProgress
        /// What is handed over next lies behind it.
        var handedOver: Int64
    }

    private var random: Seeded
    private let strategy = FNV1aPartitionStrategy()
    private var events: [(position: Int64, aggregate: String)] = []
    private var segments: [Segment] = []
    private var former: FormerSegments?
    private var lineages = 0
    private(set) var exchanges = 0
    /// Rows of parked events.
    private var letters: [Int64: String] = [:]
    /// Those that a transaction has passed: before that nobody delivers them again.
    private var passed: Set<Int64> = []
    /// Whether the table knows that they were delivered.
    private var settled: Set<Int64> = []
    private var delivered: [Int64] = []

    init(_ seed: UInt64) throws {
        random = Seeded(seed)
        begin(Int.random(in: 1...6, using: &random), at: 0, epoch: 0)
    }

    private mutating func begin(_ total: Int, at checkpoint: Int64, epoch: Int64) {
        segments = (0..<total).map { _ in
            Segment(
                checkpoint: checkpoint, epoch: epoch,
                progress: SegmentProgress(lineage: "l\(lineages)", epoch: epoch, transactionalID: "t"),
                handedOver: checkpoint)
        }
    }

    private func segment(of aggregate: String, total: Int) -> Int {
        strategy.segment(of: Array(aggregate.utf8).span.bytes, totalSegments: total)
    }

    mutating func step() throws {
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1: append()
        case 2...5: try transact(Int.random(in: segments.indices, using: &random))
        case 6:
            let index = Int.random(in: segments.indices, using: &random)
            segments[index].checkpoint = max(segments[index].checkpoint, segments[index].handedOver)
        case 7:
            // Its owner dies, and another one reads from the checkpoint.
            let index = Int.random(in: segments.indices, using: &random)
            segments[index].handedOver = segments[index].checkpoint
            segments[index].epoch += 1
        case 8, 9: redrive()
        default: try exchange()
        }
    }

    private mutating func append() {
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            events.append((Int64(events.count + 1), Self.aggregates.randomElement(using: &random) ?? ""))
        }
    }

    private func isParked(_ aggregate: String) -> Bool {
        letters.contains { $0.value == aggregate && !settled.contains($0.key) }
    }

    /// Delivers or parks what is next of a segment, in a transaction that may not be committed.
    private mutating func transact(_ index: Int, count: Int = 6, isSure: Bool = false) throws {
        let batch = try EventBatch(
            events.filter { $0.position > segments[index].handedOver }.map { event in
                PersistedEvent(
                    globalPosition: event.position, boundedContext: "c", aggregateType: "t",
                    aggregateID: event.aggregate, aggregateVersion: event.position, eventType: "e", payload: [],
                    createdAt: Date(timeIntervalSince1970: 1))
            })
        var (progress, records) = (segments[index].progress, [Int64]())
        var last: EventReference?
        for event in batch.prefix(count)
        where strategy.segment(of: event.aggregateID, totalSegments: segments.count) == index {
            if let former, former.isDone(event.globalPosition, event.aggregateID, by: strategy) { continue }
            if progress.covers(event) { continue }
            let aggregate = events[Int(event.globalPosition) - 1].aggregate
            let isKnown = letters[event.globalPosition] != nil
            if isKnown || isParked(aggregate) || (!isSure && Int.random(in: 0..<10, using: &random) == 0) {
                // In the table before the transaction that passes it.
                letters[event.globalPosition] = aggregate
                progress.parked.insert(event.globalPosition)
            } else {
                records.append(event.globalPosition)
            }
            last = EventReference(event)
        }
        if !isSure, Int.random(in: 0..<4, using: &random) == 0 { return }
        delivered += records
        passed.formUnion(progress.parked.all)
        segments[index].handedOver = batch.prefix(count).last?.globalPosition ?? segments[index].handedOver
        segments[index].progress = progress.advanced(
            by: .init(last: last), scope: .all, epoch: segments[index].epoch, id: "t")
    }

    /// Delivers the first parked event of an aggregate; that the table notes it may come later.
    private mutating func redrive() {
        let open = letters.filter { passed.contains($0.key) && !settled.contains($0.key) }
        guard let position = open.keys.min(), let aggregate = open[position] else { return }
        let index = segment(of: aggregate, total: segments.count)
        if !segments[index].progress.hasRedriven(position) {
            delivered.append(position)
            segments[index].progress = segments[index].progress.advanced(
                by: .init(redriven: [position]), scope: .all, epoch: segments[index].epoch, id: "t")
        }
        if Bool.random(using: &random) { return }
        settled.insert(position)
        segments[index].progress.noteRedriven([position])
    }

    private mutating func exchange() throws {
        if let former, segments.contains(where: { $0.checkpoint < former.highest }) { return }
        let total = Int.random(in: 1...9, using: &random)
        let all = segments.enumerated().map { index, segment in
            ExactlyOnceExchange.Former(
                segment: index, epoch: segment.epoch, checkpoint: segment.checkpoint, progress: segment.progress)
        }
        lineages += 1
        let asked = ExactlyOnceExchange.asked(all)
        let made = try ExactlyOnceExchange(
            "c", all, to: total, letters: letters.filter { asked.contains($0.key) }, lineage: "l\(lineages)", id: "x")
        guard Int.random(in: 0..<3, using: &random) > 0 else {
            // It dies before the database knows: relays go on with the marks.
            for index in segments.indices {
                segments[index].progress = try #require(made.marks[index])
                segments[index].handedOver = segments[index].checkpoint
                segments[index].epoch += 1
            }
            return
        }
        exchanges += 1
        begin(total, at: made.done.checkpoints.min() ?? 0, epoch: made.epoch)
        for index in segments.indices { segments[index].progress = try #require(made.seeds[index]) }
        former = made.done
    }

    /// Everything comes to its end, and each event was delivered once; those of an aggregate in their order.
    mutating func finish() throws {
        for index in segments.indices {
            segments[index].handedOver = segments[index].checkpoint
            try transact(index, count: .max, isSure: true)
        }
        while letters.keys.contains(where: { !settled.contains($0) }) { redrive() }
        #expect(delivered.sorted() == events.map(\.position), "lost or doubled")
        for (aggregate, positions) in Dictionary(grouping: delivered, by: { events[Int($0) - 1].aggregate }) {
            #expect(positions == positions.sorted(), "\(aggregate) is out of order")
        }
    }
}
