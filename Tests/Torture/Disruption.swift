/// Something that the nemesis breaks, at once or for a while.
enum Disruption: String, Sendable, CaseIterable {
    // The processes of the relay.
    case killed = "relay killed"
    case frozen = "relay frozen past its lease"
    case terminated = "relay told to end"
    case terminatedTwice = "relay told to end twice"
    case rollingRestart = "rolling restart"
    // The database.
    case sessionsEnded = "sessions of the relays ended"
    case backendKilled = "backend killed, server recovers"
    case serverRestarted = "server restarted at once"
    case failedOver = "fail-over to a synchronous standby"
    case writerLeftOpen = "transaction left open"
    case transactionPrepared = "transaction left prepared"
    case tableRewritten = "VACUUM FULL"
    case columnAdded = "column added"
    case indexBuilt = "index built"
    case manyLocks = "10,000 foreign locks"
    // The network between a relay and the database.
    case databaseCut = "connections to the database cut"
    case databaseSilent = "network to the database silent"
    // The brokers.
    case brokerFrozen = "broker frozen"
    case brokerDown = "broker down"
    case connectionsDropped = "connections to brokers dropped"
    case produceRefused = "produce refused"
    case produceUnanswered = "produce takes effect, answer lost"
    case produceHangs = "produce takes effect, connection hangs"
    case transactionRefused = "request of a transaction refused"
    case transactionUnanswered = "request of a transaction takes effect, error answered"
    case leaderMoved = "leaders moved"
    case coordinatorMoved = "transaction coordinator moved"
    // Operators.
    case paused = "consumer paused and resumed"
    case jobKilled = "republish job killed and started again"

    /// What has to hold, beside that everything is delivered in order once all is well again.
    enum Expectation: String, Sendable {
        /// No record more than events.
        case nothing = "nothing"
        /// At least once delivers again what was in flight; exactly once delivers each event once.
        case duplicates = "duplicates of what was in flight, none where delivery is exactly once"
    }

    var expectation: Expectation {
        switch self {
        case .terminated, .rollingRestart, .writerLeftOpen, .transactionPrepared, .tableRewritten, .columnAdded,
            .indexBuilt, .manyLocks, .paused, .leaderMoved, .coordinatorMoved, .connectionsDropped:
            .nothing
        default: .duplicates
        }
    }

    /// Whether only the embedded broker offers it.
    var needsEmbeddedBroker: Bool {
        switch self {
        case .brokerFrozen, .brokerDown, .connectionsDropped, .produceRefused, .produceUnanswered, .produceHangs,
            .transactionRefused, .transactionUnanswered, .leaderMoved, .coordinatorMoved:
            true
        default: false
        }
    }

    /// How long it lasts, in milliseconds; from 0 to 0 for what is over at once.
    var duration: ClosedRange<Int> {
        switch self {
        case .killed: 0...1_500
        case .frozen: 6_000...9_000
        case .terminatedTwice: 0...60
        case .writerLeftOpen, .transactionPrepared: 500...4_000
        case .manyLocks: 1_000...3_000
        case .databaseSilent: 500...8_000
        case .brokerFrozen, .brokerDown: 300...6_000
        case .produceRefused, .produceUnanswered, .transactionRefused, .transactionUnanswered: 300...3_000
        case .produceHangs: 500...4_000
        case .paused: 500...3_000
        case .jobKilled: 200...1_500
        default: 0...0
        }
    }
}
