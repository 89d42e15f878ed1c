import TestSupport

@testable import Consumers

/// A generated interleaving of the writers of a ``SimulatedLog`` with the looks of a head that does what ``HeadWindow``
/// asks, statement by statement, each with a snapshot of its own.
struct WindowHistory {
    private var random: Seeded
    private var log: SimulatedLog
    private(set) var window = HeadWindow(released: 0)
    /// Everything up to here was left to other readers.
    private var start: Int64 = 0
    /// The rows that were read behind `start`, and are kept or released.
    private var read: Set<Int64> = []
    private(set) var faults: [String] = []

    /// One look's part in what is asked.
    private struct Request {
        var includesWriters: Bool
        var readsNewer: Bool
        var settlesTrailing: Bool
        var readsMissing: Bool
        var rows: Int
    }

    init(seed: UInt64) {
        random = Seeded(seed)
        log = SimulatedLog(keepsVirtualID: Bool.random(using: &random))
    }

    mutating func run(steps: Int) -> [String] {
        for _ in 0..<steps where faults.isEmpty {
            switch Int.random(in: 0..<60, using: &random) {
            case 0: restart()
            case 1: jump()
            case 2:
                window.readAgain()
                read = read.filter { $0 <= window.released }
                check()
            case 3...8: log.begin()
            case 9...14: look(anyRequest())
            default: happen()
            }
        }
        return faults
    }

    /// Ends all writers, and looks a few times more: everything must be released.
    mutating func settlesWhenQuiet() -> Bool {
        note(log.endAll(&random))
        for _ in 0..<200 where faults.isEmpty && window.released < log.lastDrawn {
            look(Request(includesWriters: true, readsNewer: true, settlesTrailing: true, readsMissing: true, rows: 5))
        }
        return faults.isEmpty && window.released == log.lastDrawn && !window.hasGap
            && read.count == log.visible(in: (start + 1)...(max(start, log.lastDrawn) + 1)).count
    }

    // MARK: A look

    private mutating func anyRequest() -> Request {
        let includesWriters = Bool.random(using: &random)
        let readsNewer = Bool.random(using: &random)
        return Request(
            includesWriters: includesWriters, readsNewer: readsNewer,
            settlesTrailing: includesWriters && readsNewer && Bool.random(using: &random),
            readsMissing: Int.random(in: 0..<4, using: &random) > 0, rows: Int.random(in: 1...5, using: &random))
    }

    /// As the reader does it: all statements first, then what they say is taken in.
    private mutating func look(_ request: Request) {
        let before = window.released
        let missing = request.readsMissing ? window.wanted : []
        let readsNewer = request.readsNewer && window.mayReadNewer
        var horizon: (lastDrawn: Int64, writers: Set<Writer>)?
        if request.includesWriters {
            let lastDrawn = log.lastDrawn
            between()
            horizon = (lastDrawn, log.writers())
            between()
        }
        let found = Array(missing.flatMap { log.visible(in: $0) }.prefix(request.rows))
        between()
        let newer = Array(log.visible(in: (window.readThrough + 1)...Int64.max).prefix(request.rows))
        between()

        if let horizon { window.looked(lastDrawn: horizon.lastDrawn, writers: horizon.writers) }
        if !missing.isEmpty {
            take(found)
            window.readMissing(found, in: missing, isCut: found.count == request.rows)
            check()
        }
        if readsNewer {
            take(newer)
            let isTrailing = request.settlesTrailing && newer.count < request.rows
            window.readNewer(newer, through: max(isTrailing ? horizon?.lastDrawn ?? 0 : 0, newer.last ?? 0))
        }
        if window.released < before { faults.append("released went back from \(before) to \(window.released)") }
        check()
    }

    private mutating func take(_ positions: [Int64]) {
        for position in positions where !read.insert(position).inserted { faults.append("\(position) was read twice") }
    }

    private mutating func jump() {
        let settled = window.horizon.position
        let (before, readThrough) = (window.released, window.readThrough)
        let jumps = window.jumpToHorizon()
        if jumps != (settled > readThrough) { faults.append("jumped from \(readThrough) to \(settled): \(jumps)") }
        if window.released < before { faults.append("released went back from \(before) to \(window.released)") }
        if jumps {
            start = window.released
            read = []
        }
        check()
    }

    // MARK: What happens meanwhile

    private mutating func between() {
        for _ in 0..<Int.random(in: 0...3, using: &random) { happen() }
    }

    private mutating func happen() { note(log.step(&random)) }

    private mutating func note(_ appeared: [Int64]) {
        for position in appeared where position <= window.released {
            faults.append("\(position) appeared below \(window.released)")
        }
    }

    /// The connection is lost; the reader goes on behind the last row that it has released.
    private mutating func restart() {
        log.restart(&random)
        start = window.released > 0 ? log.visible(in: 1...window.released).last ?? 0 : 0
        window = HeadWindow(released: start)
        read = []
    }

    // MARK: What holds at any time

    private mutating func check() {
        if window.released > start {
            let unread = log.visible(in: (start + 1)...window.released).filter { !read.contains($0) }
            if !unread.isEmpty { faults.append("\(unread) are released and not read") }
        }
        let open = log.undecided.filter { $0 <= window.released }
        if !open.isEmpty { faults.append("\(open) may still appear below \(window.released)") }
        if window.readThrough < window.released { faults.append("released without being read") }
        var end = window.released
        for range in window.missing {
            // The position before each range was read.
            if range.lowerBound <= end { faults.append("\(window.missing) overlap, or are released") }
            end = range.upperBound + 1
            if read.contains(where: range.contains) { faults.append("\(range) is missing although it was read") }
        }
        if let last = window.missing.last, last.upperBound > window.readThrough {
            faults.append("\(last) is missing although it was not asked for")
        }
    }
}
