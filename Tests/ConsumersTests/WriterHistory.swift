import TestSupport

@testable import Consumers

/// A generated interleaving of writers with the looks of a horizon: begin, lock, draw, commit, roll back, prepare, each
/// a step of its own, so that anything may happen between the two halves of a look.
///
/// It keeps PostgreSQL's three promises and nothing else: lock before draw, visible before unlock, all holders listed.
struct WriterHistory {
    enum LookOrder {
        case sequenceFirst, locksFirst
    }

    private struct Transaction {
        var writer: Writer
        var holdsLock = false
        var positions: [Int64] = []
        /// Committed, but its locks are not released yet.
        var isVisible = false
    }

    private var random: Seeded
    private let order: LookOrder
    private let seesPrepared: Bool
    private var horizon = SettledHorizon()
    private var open: [Transaction] = []
    private var lastDrawn: Int64 = 0
    private var nextID = 1
    private var visible: Set<Int64> = []
    private var halfLook: (lastDrawn: Int64?, writers: Set<Writer>?)?
    private var violations: [String] = []

    init(seed: UInt64, order: LookOrder, seesPrepared: Bool = true) {
        self.random = Seeded(seed)
        self.order = order
        self.seesPrepared = seesPrepared
    }

    mutating func run(steps: Int) -> [String] {
        for _ in 0..<steps { step() }
        return violations
    }

    /// Ends everything, then looks once more: the horizon must be at the last position drawn.
    mutating func settlesWhenQuiet() -> Bool {
        open = []
        halfLook = nil
        horizon.look(lastDrawn: lastDrawn, writers: [])
        return horizon.position == lastDrawn
    }

    private mutating func step() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0 where open.count < 8:
            open.append(Transaction(writer: Writer(virtualTransaction: "v/\(nextID)", isPrepared: false)))
            nextID += 1
        case 1...3: look()
        default:
            guard let index = open.indices.randomElement(using: &random) else { return }
            advance(index)
        }
    }

    private mutating func advance(_ index: Int) {
        let transaction = open[index]
        if transaction.isVisible {
            open.remove(at: index)
        } else if !transaction.holdsLock {
            open[index].holdsLock = true
        } else {
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3 where !transaction.writer.isPrepared:
                lastDrawn += 1
                open[index].positions.append(lastDrawn)
            case 4, 5: commit(index)
            case 6: open.remove(at: index)
            case 7 where !transaction.writer.isPrepared:
                open[index].writer = Writer(virtualTransaction: "-1/\(nextID)", isPrepared: true)
                nextID += 1
            default: break
            }
        }
    }

    private mutating func commit(_ index: Int) {
        for position in open[index].positions {
            if position <= horizon.position { violations.append("\(position) appeared below \(horizon.position)") }
            visible.insert(position)
        }
        open[index].isVisible = true
    }

    private var writers: Set<Writer> {
        Set(open.filter { $0.holdsLock && (seesPrepared || !$0.writer.isPrepared) }.map(\.writer))
    }

    /// Half a look at a time.
    private mutating func look() {
        guard let half = halfLook else {
            halfLook = order == .sequenceFirst ? (lastDrawn, nil) : (nil, writers)
            return
        }
        halfLook = nil
        horizon.look(lastDrawn: half.lastDrawn ?? lastDrawn, writers: half.writers ?? writers)
        if Bool.random(using: &random) { horizon.sawVisible(visible.filter { $0 > horizon.position }.sorted()) }
        let missing = open.filter { !$0.isVisible }.flatMap(\.positions).filter { $0 <= horizon.position }
        if !missing.isEmpty { violations.append("\(missing) are open below \(horizon.position)") }
    }
}
