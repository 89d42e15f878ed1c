import EventSourcing
import TestSupport

@testable import Consumers

/// One process, one thread, no I/O and no real time: a database, brokers, a network and relay processes, and a list of what
/// happens next. Each entry of the list is a step; whatever is random in it comes from the seed.
///
/// Unchecked: one thread makes, steps and ends a simulation.
final class Simulation: @unchecked Sendable {
    private struct Entry {
        let time: Int
        let number: Int
        let body: () -> Void
    }

    private static let mostSteps = 30_000

    var random: Seeded
    /// Milliseconds since the start.
    private(set) var now = 0
    private(set) var steps = 0
    /// What may never be, the first time it was.
    private(set) var violation: String?
    private var heap: [Entry] = []
    private var numbers = 0
    let executor = StepExecutor()
    let start = ContinuousClock.now
    var isTracing = false
    private(set) var trace: [String] = []
    let account: Account
    // Set in the initializer, which has to have a self to give it.
    // swift-format-ignore: NeverUseImplicitlyUnwrappedOptionals
    private(set) var database: SimulatedDatabase! = nil
    // Set in the initializer, which has to have a self to give it.
    // swift-format-ignore: NeverUseImplicitlyUnwrappedOptionals
    private(set) var brokers: SimulatedBrokers! = nil
    var processes: [RelayProcess] = []
    /// Whether nothing is broken any more, and all is to come right.
    var isHealing = false
    /// Whether nothing is ever broken.
    var isCalm = false
    /// So many of the next events are ones that brokers reject.
    var poisonsNext = 0

    // What the checks remember, by consumer.
    var scopes: [EventScope] = [.all, .all]
    /// The checkpoints that were written, by segment, with the scope of that time.
    var passed: [[[(position: Int64, scope: EventScope)]]] = [
        Array(repeating: [], count: 3), Array(repeating: [], count: 2),
    ]
    /// Events that had a record in a topic that was deleted.
    var gone: Set<Int> = []
    /// Also in a transaction that is not committed.
    var appendedTo: [Set<Int>] = [[], []]
    /// The first occurrences, in order.
    var order: [[(event: Int, topic: String)]] = [[], []]
    /// Who has relied on each segment last.
    var reliance: [[Int: (worker: String, epoch: Int64, life: Int)]] = [[:], [:]]

    init(seed: UInt64) {
        random = Seeded(seed)
        account = Account()
        database = SimulatedDatabase(self)
        brokers = SimulatedBrokers(self)
    }

    // MARK: Chance

    func draw(_ range: ClosedRange<Int>) -> Int {
        // Without the standard library's loop, which is slow where nothing is optimized.
        range.lowerBound + Int(truncatingIfNeeded: random.next() >> 1) % (range.upperBound - range.lowerBound + 1)
    }

    func chance(_ percent: Int) -> Bool { draw(1...100) <= percent }

    func pick<Element>(_ list: [Element]) -> Element? { list.isEmpty ? nil : list[draw(0...list.count - 1)] }

    // MARK: Steps

    func after(_ delay: Int, _ body: @escaping () -> Void) { at(now + max(0, delay), body) }

    func at(_ time: Int, _ body: @escaping () -> Void) {
        numbers += 1
        heap.append(Entry(time: max(now, time), number: numbers, body: body))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        heap[left].time < heap[right].time
            || heap[left].time == heap[right].time && heap[left].number < heap[right].number
    }

    private func takeFirst() -> Entry? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    /// Lets happen what happens until a time, or until something may never be.
    func run(until end: Int) {
        while violation == nil, let first = heap.first, first.time <= end {
            guard let entry = takeFirst() else { return }
            now = entry.time
            steps += 1
            if steps > Self.mostSteps { violate("it does not come to an end") }
            entry.body()
            executor.drain()
        }
        now = max(now, end)
    }

    /// A step that had nothing to do is none.
    func uncount() { steps -= 1 }

    /// Lets go of everything.
    func end() {
        heap = []
        processes = []
    }

    // MARK: What is reported

    func violate(_ text: @autoclosure () -> String) {
        guard violation == nil else { return }
        violation = "at \(now) ms: \(text())"
        note("VIOLATION \(violation ?? "")")
    }

    func note(_ text: @autoclosure () -> String) {
        if isTracing { trace.append("\(now) ms  \(text())") }
    }
}
