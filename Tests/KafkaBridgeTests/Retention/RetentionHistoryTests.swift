import TestSupport
import Testing

@testable import KafkaBridge

/// Whatever consumers, jobs, audits and people do, no row is removed that one of them still needs.
///
/// The histories drive the real decision; an oracle of its own says of each row who needs it.
@Suite struct RetentionHistoryTests {
    private static let period: Duration = .seconds(100)

    /// A consumer as it is in the database, and what is in truth delivered.
    private struct Reader {
        var name: String
        var checkpoints: [Int64]
        var beginsAfter: Int64?
        var isStarted = false
    }

    private struct World {
        var now: Duration = .zero
        var last: Int64 = 0
        var rows: Set<Int64> = []
        /// Since when each row has been passed by every consumer; none where it is not.
        var passedSince: [Int64: Duration] = [:]
        var readers: [Reader] = []
        var parked: Set<Int64> = []
        var jobs: [(name: String, checkpoint: Int64, through: Int64, isEnded: Bool)] = []
        var audits: [String: (position: Int64, open: Set<Int64>)] = [:]
        var samples: [(position: Int64, at: Duration)] = []
        var removed = 0

        func segment(of position: Int64, _ reader: Reader) -> Int { Int(position % Int64(reader.checkpoints.count)) }

        func isPassed(_ position: Int64, by reader: Reader) -> Bool {
            if !reader.isStarted { return reader.beginsAfter.map { position <= $0 } ?? true }
            return position <= reader.checkpoints[segment(of: position, reader)]
        }

        mutating func notePassed() {
            for row in rows {
                let isPassed = !readers.isEmpty && readers.allSatisfy { self.isPassed(row, by: $0) }
                passedSince[row] = isPassed ? passedSince[row] ?? now : nil
            }
        }

        /// Why the row must stay; `nil` where it may go.
        func need(of row: Int64) -> String? {
            if let reader = readers.first(where: { !isPassed(row, by: $0) }) { return "consumer \(reader.name)" }
            if parked.contains(row) { return "parked" }
            if let job = jobs.first(where: { !$0.isEnded && row > $0.checkpoint && row <= $0.through }) {
                return "job \(job.name)"
            }
            if let audit = audits.first(where: { row > $0.value.position || $0.value.open.contains(row) }) {
                return "audit \(audit.key)"
            }
            guard let since = passedSince[row] else { return "not delivered" }
            return now - since < RetentionHistoryTests.period ? "too young" : nil
        }

        var facts: RetentionFacts {
            RetentionFacts(
                consumers: readers.map {
                    .init(
                        $0.name, checkpoints: $0.isStarted ? $0.checkpoints : [],
                        totalSegments: $0.isStarted ? $0.checkpoints.count : 0, beginsAfter: $0.beginsAfter)
                }, parked: parked.sorted(),
                jobs: jobs.filter { !$0.isEnded }.map {
                    .init($0.name, state: "stopped", checkpoint: $0.checkpoint, through: $0.through)
                },
                audits: audits.map { .init($0.key, position: $0.value.position, open: $0.value.open.sorted()) })
        }

        var history: DeliveredHistory {
            DeliveredHistory(
                samples.map { .init(position: $0.position, age: now - $0.at) }, period: RetentionHistoryTests.period)
        }

        mutating func sample() {
            var history = history
            let change = history.note(RetentionPlan.delivered(facts) ?? 0)
            samples.removeAll { change.dropped.contains($0.position) }
            if let added = change.added { samples.append((added, now)) }
        }
    }

    @Test(arguments: seeds(80, of: "histories of retention"))
    func `no row is removed that a consumer, a parked event, a job or an audit needs`(seed: UInt64) throws {
        var random = Seeded(seed)
        var world = World()
        for _ in 0..<300 {
            step(&world, &random)
            world.notePassed()
            guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
            world.sample()
            let plan = RetentionPlan(world.facts, longEnough: world.history.longEnough)
            for row in world.rows where row <= plan.through && !plan.kept.contains(row) {
                if let need = world.need(of: row) {
                    Issue.record("row \(row) would go, and is needed: \(need); \(plan.holds)")
                    return
                }
                world.rows.remove(row)
                world.removed += 1
            }
            #expect(world.samples.count <= DeliveredHistory.count + 3)
        }
    }

    @Test func `in the long run everything goes that nobody needs`() {
        var removed = 0
        for seed in seeds(20, of: "histories of retention in the long run") {
            var random = Seeded(seed)
            var world = World()
            world.readers = [Reader(name: "first", checkpoints: [0, 0, 0], isStarted: true)]
            for _ in 0..<200 {
                step(&world, &random)
                world.notePassed()
            }
            // Everybody comes to an end.
            world.parked = []
            world.audits = [:]
            for index in world.jobs.indices { world.jobs[index].isEnded = true }
            for index in world.readers.indices {
                world.readers[index].isStarted = true
                world.readers[index].checkpoints = world.readers[index].checkpoints.map { _ in world.last }
            }
            world.notePassed()
            world.sample()
            world.now += Self.period
            world.sample()
            let plan = RetentionPlan(world.facts, longEnough: world.history.longEnough)
            #expect(plan.through == world.last)
            #expect(plan.kept.isEmpty)
            removed += world.rows.count
        }
        #expect(removed > 0)
    }

    private func step(_ world: inout World, _ random: inout Seeded) {
        world.now += .milliseconds(Int.random(in: 0...8_000, using: &random))
        switch Int.random(in: 0..<16, using: &random) {
        case 0...3:
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                world.last += Int64.random(in: 1...3, using: &random)
                world.rows.insert(world.last)
            }
        case 4...8:
            // Checkpoints of some segments move, by their owners: no other worker may say how far.
            for index in world.readers.indices where world.readers[index].isStarted {
                for segment in world.readers[index].checkpoints.indices where Bool.random(using: &random) {
                    let checkpoint = world.readers[index].checkpoints[segment]
                    let target = Bool.random(using: &random) ? world.last : checkpoint + 5
                    world.readers[index].checkpoints[segment] = max(checkpoint, min(world.last, target))
                }
            }
        case 9:
            // One is registered, and begins later, or is there at once.
            guard world.readers.count < 4 else {
                world.readers.removeAll { $0.name.hasSuffix("7") }
                // As retiring the last one does.
                if world.readers.isEmpty { world.samples = [] }
                return
            }
            let choices: [Int64?] = [0, nil, world.last / 2]
            let begins = choices[Int.random(in: 0..<3, using: &random)]
            // As a registration does.
            if let begins { world.samples.removeAll { $0.position > begins } }
            world.readers.append(
                Reader(
                    name: "reader-\(Int.random(in: 0..<1000, using: &random))",
                    checkpoints: Array(repeating: 0, count: Int.random(in: 1...5, using: &random)),
                    beginsAfter: begins))
        case 10:
            for index in world.readers.indices where !world.readers[index].isStarted {
                let start = world.readers[index].beginsAfter ?? world.last
                world.readers[index].isStarted = true
                world.readers[index].checkpoints = world.readers[index].checkpoints.map { _ in start }
                world.samples.removeAll { $0.position > start }
            }
        case 11:
            // An operator sets checkpoints back; or a scope changes, which moves none.
            guard let index = world.readers.indices.randomElement(using: &random), world.readers[index].isStarted,
                Bool.random(using: &random)
            else { return }
            // Not beyond what was drawn, which is refused.
            let position = Int64.random(in: 0...world.last, using: &random)
            world.readers[index].checkpoints = world.readers[index].checkpoints.map { _ in position }
            // As `accept-source` does.
            world.samples.removeAll { $0.position > position }
        case 12:
            if let row = world.rows.randomElement(using: &random) { world.parked.insert(row) }
        case 13:
            if let row = world.parked.randomElement(using: &random) { world.parked.remove(row) }
        case 14:
            let low = Int64.random(in: 0...max(1, world.last), using: &random)
            if Bool.random(using: &random) {
                world.jobs.append(("job-\(world.jobs.count)", low, max(low, world.last - 3), false))
            }
            for index in world.jobs.indices {
                world.jobs[index].checkpoint = min(world.jobs[index].through, world.jobs[index].checkpoint + 7)
                if Int.random(in: 0..<4, using: &random) == 0 { world.jobs[index].isEnded = true }
            }
        default:
            for reader in world.readers where reader.isStarted {
                let lowest = reader.checkpoints.min() ?? 0
                switch Int.random(in: 0..<4, using: &random) {
                case 0: world.audits[reader.name] = nil
                case 1: world.audits[reader.name] = (lowest / 2, [])
                default:
                    guard var audit = world.audits[reader.name], audit.position < lowest else { continue }
                    audit.position = lowest
                    audit.open = Set(world.rows.filter { $0 <= lowest }.prefix(2))
                    world.audits[reader.name] = audit
                }
            }
        }
    }
}
