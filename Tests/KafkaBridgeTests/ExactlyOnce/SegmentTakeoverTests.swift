import EventSourcing
import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// Segments are taken over while former owners may still commit, other workers claim, and the database may have lost commits.
@Suite struct SegmentTakeoverTests {
    /// `GODWIT_HISTORIES` says how many.
    private static let count = ProcessInfo.processInfo.environment["GODWIT_HISTORIES"].flatMap { Int($0) } ?? 150

    @Test(arguments: seeds(count, of: "takeovers"))
    func `whatever happens meanwhile, nobody else can commit behind the progress that is found`(_ seed: UInt64)
        async throws
    {
        let world = TakeoverWorld(seed)
        for _ in 0..<20 {
            let (id, segments) = world.claim()
            var takeover = SegmentTakeover(world.access(of: id))
            do {
                let beginnings = try await takeover.run(segments, known: [:])
                #expect(Set(beginnings.keys) == Set(segments), "each segment begins, or is known to be lost")
                world.check(id, beginnings)
                world.deliver(id, beginnings)
            } catch is TakeoverWorld.Away {
                // Tried again by the next owner.
            }
            world.step()
        }
    }

    @Test func `a takeover that comes too late leaves the owner of the later claim alone`() async throws {
        let world = TakeoverWorld(1)
        world.begin(with: 5)
        let (id, segments) = world.claim()
        world.overtake(segments, by: "later")
        let access = world.access(of: id)
        let beginnings = try await deadline {
            var takeover = SegmentTakeover(access)
            return try await takeover.run(segments, known: [:])
        }
        #expect(!beginnings.isEmpty && beginnings.values.allSatisfy { $0 == .lost })
        #expect(!world.isFenced("later"))
    }

    @Test func `an event that was delivered and is gone is refused by name`() async throws {
        let world = TakeoverWorld(1)
        world.lose(events: true)
        let (id, segments) = world.claim()
        world.begin(with: 7)
        var takeover = SegmentTakeover(world.access(of: id))
        let error = await #expect(throws: ExactlyOnceRefusal.self) { try await takeover.run(segments, known: [:]) }
        #expect(error?.description.contains("at position 7 was delivered, and is not in the database any more") == true)
    }

    @Test func `what was parked and never recorded in Kafka is named by the next owner`() async throws {
        let world = TakeoverWorld(1)
        world.begin(with: 50, parked: [10])
        let count = Int64(ParkedPositions.kept)
        for (letters, checkpoint) in [
            ([20, 60, 70], Int64(70)), (Array(60...60 + count), 1_000), (Array(60...60 + count), 59),
        ] {
            world.park(letters)
            world.setCheckpoint(checkpoint)
            let (id, segments) = world.claim()
            var takeover = SegmentTakeover(world.access(of: id))
            for (_, beginning) in try await takeover.run(segments, known: [:]) {
                guard case .after(let progress) = beginning else { continue }
                if letters.count == 3 {
                    #expect(progress.parked.all == [10, 60, 70] && progress.parked.forgotten == nil)
                } else if checkpoint == 59 {
                    #expect(progress.parked.all == [10] && progress.parked.forgotten == nil, "they come again")
                } else {
                    #expect(progress.parked.all == [10] + Array(61...60 + count))
                    #expect(progress.parked.forgotten == 60, "the rest is not named, and not forgotten in silence")
                }
            }
        }
    }

    @Test func `a checkpoint from before what was forgotten of parked events is refused by name`() async throws {
        let world = TakeoverWorld(1)
        world.begin(with: 9_000, parked: Array(1...300), checkpoint: 250)
        for (checkpoint, isRefused) in [(Int64(100), false), (99, true)] {
            world.setCheckpoint(checkpoint)
            let (id, segments) = world.claim()
            var takeover = SegmentTakeover(world.access(of: id))
            if isRefused {
                let error = await #expect(throws: ExactlyOnceRefusal.self) {
                    try await takeover.run(segments, known: [:])
                }
                #expect(error?.description.contains("was beyond position 100, and is 99 now") == true)
            } else {
                _ = try await takeover.run(segments, known: [:])
            }
        }
    }
}

extension SegmentTakeoverTests {
    @Test func `an exchange that the database has lost is refused once events were delivered after it, and not before`()
        async throws
    {
        for writer in ["exchange", "relay"] {
            let world = TakeoverWorld(1)
            world.begin(with: 50, exchangedBy: "exchange", andDeliveredBy: writer)
            let (id, segments) = world.claim()
            var takeover = SegmentTakeover(world.access(of: id))
            if writer == "exchange" {
                let beginnings = try await takeover.run(segments, known: [:])
                #expect(beginnings.count == segments.count)
                continue
            }
            let error = await #expect(throws: ExactlyOnceRefusal.self) {
                try await takeover.run(segments, known: [:])
            }
            #expect(error?.description.contains("was exchanged for others, 3 in all") == true)
        }
    }
}

/// The database's rows and the brokers' transactions, as far as taking over rests on them.
private final class TakeoverWorld: Sendable {
    struct Away: Error {}

    private struct State {
        var random: Seeded
        var epochs = [Int64](repeating: 0, count: 2)
        var checkpoint: Int64 = 0
        /// Positions in the table of dead letters.
        var letters: [Int64] = []
        /// Nobody else does anything.
        var isStill = false
        var renewals: Int64 = 0
        var rows: [Int: TransactionStore.Owner] = [:]
        var ids = 0
        /// What each id has open of each segment: its next progress.
        var open: [String: [Int: SegmentProgress]] = [:]
        var fenced: Set<String> = []
        /// The last committed progress.
        var progress: [Int: SegmentProgress] = [:]
        var areEventsGone = false
        /// Of the segments that were to take the place of these.
        var successors: [Int: SegmentProgress] = [:]
    }

    private let state: Mutex<State>

    init(_ seed: UInt64) { state = Mutex(State(random: Seeded(seed))) }

    /// Another worker claims some segments.
    func claim() -> (id: String, [ServedSegment]) {
        state.withLock { state in
            state.ids += 1
            let wanted = (0..<2).filter { _ in Bool.random(using: &state.random) }
            let segments = (wanted.isEmpty ? [0] : wanted).map { segment in
                state.epochs[segment] += 1
                return ServedSegment(segment: segment, checkpoint: 0, epoch: state.epochs[segment], attempt: 0)
            }
            return ("id-\(state.ids)", segments)
        }
    }

    func access(of id: String) -> Access { Access(world: self, transactionalID: id) }

    /// Begins with a progress that another producer has committed.
    func begin(with position: Int64, parked: [Int64] = [], checkpoint: Int64 = 0) {
        state.withLock { state in
            state.isStill = true
            for segment in 0..<2 {
                var progress = SegmentProgress(lineage: "l", epoch: 0, transactionalID: "before")
                progress.advance(
                    to: EventReference(position: position, eventID: UUID()), scope: .all, redriven: [])
                for position in parked { progress.parked.insert(position) }
                progress.parked.forget(through: checkpoint)
                state.progress[segment] = progress
                state.rows[segment] = .init(transactionalID: nil, epoch: 0, lineage: "l")
            }
        }
    }

    /// Begins with segments that were exchanged for three others, of which the database knows nothing.
    func begin(with position: Int64, exchangedBy id: String, andDeliveredBy writer: String) {
        begin(with: position)
        state.withLock { state in
            for (segment, progress) in state.progress {
                state.progress[segment] = progress.exchanged(
                    for: .init(lineage: "next", segments: 3), epoch: 0, id: id)
            }
            for segment in 0..<3 {
                let id = segment == 2 ? writer : id
                state.successors[segment] = SegmentProgress(lineage: "next", epoch: 1, transactionalID: id)
            }
        }
    }

    /// A worker claims the segments anew, and records itself.
    func overtake(_ segments: [ServedSegment], by id: String) {
        state.withLock { state in
            for segment in segments {
                let epoch = segment.epoch + 1
                state.epochs[segment.segment] = epoch
                state.rows[segment.segment] = .init(transactionalID: id, epoch: epoch, lineage: "l")
            }
        }
    }

    func isFenced(_ id: String) -> Bool { state.withLock { $0.fenced.contains(id) } }

    func setCheckpoint(_ checkpoint: Int64) { state.withLock { $0.checkpoint = checkpoint } }

    func park(_ letters: [Int64]) { state.withLock { $0.letters = letters } }

    func lose(events: Bool) { state.withLock { $0.areEventsGone = events } }

    /// Something that others do at any time.
    func step() {
        state.withLock { state in
            if state.isStill { return }
            switch Int.random(in: 0..<9, using: &state.random) {
            case 0, 1:
                // A worker that was slow commits what it had open, if it still can.
                guard let id = state.open.keys.sorted().randomElement(using: &state.random),
                    let open = state.open.removeValue(forKey: id), !state.fenced.contains(id)
                else { return }
                state.progress.merge(open) { $1 }
            case 2:
                // Another worker claims a segment, and records itself at once where it may.
                guard let segment = (0..<2).randomElement(using: &state.random) else { return }
                state.epochs[segment] += 1
            case 3:
                // The server has lost its last commit of a row.
                guard Int.random(in: 0..<4, using: &state.random) == 0, let row = state.rows[0] else { return }
                state.rows[0] = .init(transactionalID: nil, epoch: row.epoch - 1, lineage: row.lineage)
            case 4:
                // The rows of the claims are made anew: their epochs count from the beginning.
                guard Int.random(in: 0..<6, using: &state.random) == 0 else { return }
                state.renewals += 1
                state.epochs = state.epochs.map { _ in -1_000 * state.renewals }
            default: break
            }
        }
    }

    /// The segments begin: the worker has something open.
    func deliver(_ id: String, _ beginnings: [ServedSegment: ExactlyOnceState.Beginning]) {
        state.withLock { state in
            for (segment, beginning) in beginnings {
                guard case .after(var progress) = beginning else { continue }
                let position = (progress.last?.position ?? 0) + 1
                progress.epoch = segment.epoch
                progress.transactionalID = id
                // First of all it records in Kafka that the segment is its own, if nobody has ended it since.
                if state.fenced.contains(id) { continue }
                state.progress[segment.segment] = progress
                progress.advance(
                    to: EventReference(position: position, eventID: UUID()), scope: .all, redriven: [])
                state.open[id, default: [:]][segment.segment] = progress
            }
        }
    }

    /// Nobody can commit anything of the segments any more, but the worker itself and those that have claimed them since.
    func check(_ id: String, _ beginnings: [ServedSegment: ExactlyOnceState.Beginning]) {
        state.withLock { state in
            for (segment, beginning) in beginnings {
                let number = segment.segment
                guard case .after(let progress) = beginning else {
                    #expect(state.epochs[number] != segment.epoch, "a segment is given up that nobody else has claimed")
                    continue
                }
                for (other, open) in state.open where other != id && open[number] != nil {
                    #expect(state.fenced.contains(other), "\(other) can still commit")
                }
                if let committed = state.progress[number] {
                    #expect(progress.last?.position == committed.last?.position, "another one has committed since")
                }
            }
        }
    }

    struct Access: TakeoverAccess {
        let world: TakeoverWorld
        let transactionalID: String
        let remedy = "decide"

        private func ask<Value: Sendable>(_ body: (inout State) -> Value) async throws -> Value {
            await Task.yield()
            world.step()
            let (value, isAway) = world.state.withLock { state in
                (body(&state), !state.isStill && Int.random(in: 0..<30, using: &state.random) == 0)
            }
            world.step()
            if isAway { throw Away() }
            return value
        }

        func owners(of segments: [Int]) async throws -> [Int: TransactionStore.Owner] {
            try await ask { state in state.rows.filter { segments.contains($0.key) } }
        }

        func record(
            _ segments: [ServedSegment], lineage: String, former: [Int: TransactionStore.Owner]
        ) async throws -> [Int: TransactionStore.Recorded] {
            try await ask { state in
                var recorded: [Int: TransactionStore.Recorded] = [:]
                for segment in segments
                where state.rows[segment.segment] == former[segment.segment]
                    && state.epochs[segment.segment] == segment.epoch
                {
                    let lineage = state.rows[segment.segment]?.lineage ?? lineage
                    state.rows[segment.segment] = .init(
                        transactionalID: transactionalID, epoch: segment.epoch, lineage: lineage)
                    recorded[segment.segment] = .init(lineage: lineage, checkpoint: state.checkpoint)
                }
                return recorded
            }
        }

        func claimed(_ segments: [ServedSegment]) async throws -> Set<Int> {
            try await ask { state in
                Set(segments.filter { state.epochs[$0.segment] == $0.epoch }.map(\.segment))
            }
        }

        func fence(_ id: String) async throws {
            try await ask { state in
                state.fenced.insert(id)
                state.open[id] = nil
            }
        }

        func progress(_ lineages: [Int: String]) async throws -> [Int: SegmentProgress] {
            try await ask { state in
                state.progress.filter { lineages[$0.key] == $0.value.lineage }.merging(
                    state.successors.filter { lineages[$0.key] == $0.value.lineage }
                ) { $1 }
            }
        }

        func parked(_ asked: [DeadLettersTable.Passed], limit: Int) async throws -> [Int: [Int64]] {
            try await ask { state in
                asked.reduce(into: [:]) { parked, asked in
                    let all = state.letters.filter { $0 > asked.position && $0 <= asked.checkpoint }
                    parked[asked.segment] = Array(all.suffix(limit))
                }
            }
        }

        func missing(_ events: [EventReference]) async throws -> [EventReference] {
            try await ask { state in state.areEventsGone ? events : [] }
        }
    }
}
