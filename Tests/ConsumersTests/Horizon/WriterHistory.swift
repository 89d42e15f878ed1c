import TestSupport

@testable import Consumers

/// A generated interleaving of the writers of a ``SimulatedLog`` with the looks of a horizon, half a look at a time, and
/// with restarts of the server.
struct WriterHistory {
    /// How the look is made: as it is right, or with one fault.
    struct Look {
        /// Whether the last value is read before the writers are listed.
        var isSequenceFirst = true
        var lock = SimulatedLog.Lock.sequence
        var seesPrepared = true
        /// `SELECT last_value` may see the value that nextval logs ahead, up to 32 too high.
        var mayReadAhead = false
    }

    private var random: Seeded
    private let look: Look
    private var log: SimulatedLog
    private var horizon = SettledHorizon()
    private var halfLook: (lastDrawn: Int64?, writers: Set<Writer>?)?
    private var violations: [String] = []

    init(seed: UInt64, _ look: Look = Look()) {
        self.random = Seeded(seed)
        self.look = look
        log = SimulatedLog(keepsVirtualID: Bool.random(using: &random))
    }

    mutating func run(steps: Int) -> [String] {
        for _ in 0..<steps where violations.isEmpty { step() }
        return violations
    }

    /// Ends everything, then looks once more: the horizon must be at the last position drawn.
    mutating func settlesWhenQuiet() -> Bool {
        _ = log.endAll(&random)
        halfLook = nil
        horizon.look(lastDrawn: log.lastDrawn, writers: log.writers())
        return horizon.position == log.lastDrawn && !horizon.isWaiting
    }

    private mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0:
            log.restart(&random)
            // The connection is lost, and with it what was known.
            horizon = SettledHorizon()
            halfLook = nil
        case 1...10: log.begin()
        case 11...35: takeLook()
        default:
            for position in log.step(&random) where position <= horizon.position {
                violations.append("\(position) appeared below \(horizon.position)")
            }
        }
    }

    /// Half a look at a time.
    private mutating func takeLook() {
        guard let half = halfLook else {
            halfLook = look.isSequenceFirst ? (lastDrawn(), nil) : (nil, writers)
            return
        }
        halfLook = nil
        horizon.look(lastDrawn: half.lastDrawn ?? lastDrawn(), writers: half.writers ?? writers)
        if Bool.random(using: &random), horizon.position < log.lastDrawn {
            horizon.sawVisible(log.visible(in: (horizon.position + 1)...log.lastDrawn))
        }
        let undecided = log.undecided.filter { $0 <= horizon.position }
        if !undecided.isEmpty { violations.append("\(undecided) are open below \(horizon.position)") }
        if horizon.position > log.lastDrawn { violations.append("\(horizon.position) was not drawn yet") }
    }

    private mutating func lastDrawn() -> Int64 {
        guard look.mayReadAhead, Int.random(in: 0..<8, using: &random) == 0 else { return log.lastDrawn }
        return log.lastDrawn + Int64.random(in: 1...32, using: &random)
    }

    private var writers: Set<Writer> {
        log.writers(holding: look.lock).filter { look.seesPrepared || !$0.isPrepared }
    }
}
