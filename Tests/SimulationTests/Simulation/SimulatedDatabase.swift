import EventSourcing

@testable import Consumers
@testable import KafkaBridge

/// PostgreSQL as far as it promises anything: the sequence and its lock, transactions, sessions, and Godwit's own tables.
final class SimulatedDatabase {
    /// What survives a crash, and what a standby has as of an earlier instant.
    struct State {
        /// The visible events' numbers, and their positions in order.
        var rows: [Int64: Int] = [:]
        var positions: [Int64] = []
        var lastDrawn: Int64 = 0
        /// As far as the sequence is known to have come after a crash: a later commit has flushed it.
        var durablyDrawn: Int64 = 0
        var identity = StoreIdentity(
            system: "s", timeline: "00000001", table: 1, sequence: 2, sequenceFile: 3, partitions: [])
        var prepared: [Transaction] = []
        var tables = RelayTables()
    }

    struct Transaction {
        var number: Int
        var writer: Writer
        var holdsSequence = false
        var holdsTable = false
        /// Drawn and not inserted.
        var drawn: [Int64] = []
        /// The inserted events' numbers.
        var inserted: [Int] = []
        var savepoint: Int?
        /// Committed, and its locks are not released yet.
        var isVisible = false
    }

    /// Whose lock counts for a writer in flight: the sequence's. The table's is wrong.
    enum LockKind { case sequence, table }

    unowned let simulation: Simulation
    var state = State()
    var transactions: [Transaction] = []
    /// Counts the lives of the server.
    private(set) var life = 1
    var isUp = true
    private(set) var sessions: Set<Int> = []
    /// The workers' session locks.
    private(set) var locks: [String: Int] = [:]
    private var nextSession = 0
    private var nextVirtual = 1
    private var nextTransaction = 700
    private var numbers = 0
    /// What a standby has that lags.
    private var standby: State?
    /// Hidden rows are an error, since `row_security` is off.
    var hidesRows = false
    private(set) var hasLostCommits = false

    init(_ simulation: Simulation) { self.simulation = simulation }

    // MARK: Sessions

    func connect() -> Int? {
        guard isUp else { return nil }
        nextSession += 1
        sessions.insert(nextSession)
        return nextSession
    }

    func end(_ session: Int?) {
        guard let session, sessions.remove(session) != nil else { return }
        locks = locks.filter { $0.value != session }
    }

    func lives(_ session: Int?) -> Bool { isUp && session.map { sessions.contains($0) } ?? false }

    func tryLock(_ worker: String, _ session: Int) -> Bool {
        if locks[worker] == nil { locks[worker] = session }
        return locks[worker] == session
    }

    // MARK: What a look sees

    func writers(_ kind: LockKind = .sequence) -> Set<Writer> {
        Set(transactions.filter { kind == .sequence ? $0.holdsSequence : $0.holdsTable }.map(\.writer))
    }

    func events(in ranges: [ClosedRange<Int64>], limit: Int) -> [Int] {
        var found: [Int] = []
        for range in ranges {
            var index = place(of: range.lowerBound)
            while index < state.positions.count, state.positions[index] <= range.upperBound, found.count < limit {
                if let number = state.rows[state.positions[index]] { found.append(number) }
                index += 1
            }
        }
        return found
    }

    func events(after position: Int64, through end: Int64 = .max, limit: Int) -> [Int] {
        position >= end ? [] : events(in: [(position + 1)...end], limit: limit)
    }

    /// Whether a transaction may still make a position visible in a range.
    func isUndecided(after start: Int64, through end: Int64) -> Int64? {
        for transaction in transactions where !transaction.isVisible {
            for position in transaction.drawn where position > start && position <= end { return position }
            for number in transaction.inserted {
                let position = simulation.account.entries[number].position
                if position > start, position <= end { return position }
            }
        }
        return nil
    }

    private func place(of position: Int64) -> Int {
        var (low, high) = (0, state.positions.count)
        while low < high {
            let middle = (low + high) / 2
            if state.positions[middle] < position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Writers

    func begin() -> Int? {
        guard isUp else { return nil }
        numbers += 1
        transactions.append(
            Transaction(number: numbers, writer: Writer(virtualTransaction: "3/\(nextVirtual)", isPrepared: false)))
        nextVirtual += 1
        return numbers
    }

    /// Changes a transaction; false where it is gone.
    @discardableResult func with(_ number: Int, _ body: (inout Transaction) -> Void) -> Bool {
        guard isUp, let index = transactions.firstIndex(where: { $0.number == number }) else { return false }
        body(&transactions[index])
        return true
    }

    func draw(_ number: Int, _ count: Int) {
        with(number) { transaction in
            // nextval takes the lock first.
            transaction.holdsSequence = true
            for _ in 0..<count {
                state.lastDrawn += 1
                transaction.drawn.append(state.lastDrawn)
            }
        }
    }

    /// Commits what a statement of Godwit's has written: whatever was logged before is flushed with it.
    func flush() { state.durablyDrawn = max(state.durablyDrawn, state.lastDrawn) }

    /// What was inserted becomes visible; the locks are released later.
    func commit(_ number: Int) {
        guard isUp, let index = transactions.firstIndex(where: { $0.number == number }), !transactions[index].isVisible
        else { return }
        transactions[index].isVisible = true
        for event in transactions[index].inserted {
            let position = simulation.account.entries[event].position
            simulation.account.end(event, .committed)
            state.rows[position] = event
            state.positions.insert(position, at: place(of: position))
        }
        state.prepared.removeAll { $0.number == number }
        flush()
        simulation.note(
            "transaction \(number) commits \(transactions[index].inserted.map { simulation.account.entries[$0].position })"
        )
        simulation.notifyRelays()
    }

    /// Releases the locks of a transaction that has committed, or rolls it back.
    func end(transaction number: Int) {
        guard isUp, let index = transactions.firstIndex(where: { $0.number == number }) else { return }
        let transaction = transactions.remove(at: index)
        state.prepared.removeAll { $0.number == number }
        if !transaction.isVisible { for event in transaction.inserted { simulation.account.end(event, .rolledBack) } }
    }

    func prepare(_ number: Int, keepsVirtualID: Bool) {
        with(number) { transaction in
            nextTransaction += 1
            let id = keepsVirtualID ? transaction.writer.virtualTransaction : "-1/\(nextTransaction)"
            transaction.writer = Writer(virtualTransaction: id, isPrepared: true)
            transaction.drawn = []
            state.prepared.append(transaction)
        }
        flush()
    }

    // MARK: What happens to the server

    /// It crashes and starts anew: what was not prepared has gone, virtual ids begin anew, and the sequence goes on behind
    /// what was flushed of it, or behind the values that it had logged ahead.
    func restart() {
        simulation.note("the server starts anew")
        beginLife()
        state.lastDrawn = Int64(
            simulation.draw(Int(state.durablyDrawn)...Int(state.lastDrawn + 32)))
        flush()
    }

    private func beginLife() {
        life += 1
        sessions = []
        locks = [:]
        nextVirtual = 1
        let prepared = Set(state.prepared.map(\.number))
        for transaction in transactions where !transaction.isVisible && !prepared.contains(transaction.number) {
            for event in transaction.inserted { simulation.account.end(event, .rolledBack) }
        }
        transactions = state.prepared.map { transaction in
            nextTransaction += 1
            var transaction = transaction
            transaction.writer = Writer(virtualTransaction: "-1/\(nextTransaction)", isPrepared: true)
            return transaction
        }
    }

    /// From now on a standby lags.
    func keepStandby() { standby = standby ?? state }

    /// A standby takes over, with all commits or without the last.
    func failOver(losesCommits: Bool) {
        let old = state
        if losesCommits, let standby { state = standby }
        standby = nil
        state.identity.timeline = "0000000\(life + 1)"
        let isLoss = losesCommits && state.tables != old.tables || state.rows.count != old.rows.count
        hasLostCommits = hasLostCommits || isLoss
        simulation.note("fail-over\(isLoss ? ", which forgets \(old.rows.count - state.rows.count) events" : "")")
        // A server that has lost under which lineage a segment was delivered knows nothing of its progress in Kafka: that
        // comes again. A known weakness, where the first owner's commits are lost.
        if old.tables.owners.mapValues(\.lineage) != state.tables.owners.mapValues(\.lineage) {
            simulation.account.acceptRepeats(at: simulation.now)
        }
        let kept = Set(state.rows.values)
        for event in old.rows.values where !kept.contains(event) { simulation.account.end(event, .forgotten) }
        // A transaction that was prepared at the standby and is decided on the former server is open again.
        for transaction in state.prepared where !old.prepared.contains(where: { $0.number == transaction.number }) {
            for event in transaction.inserted { simulation.account.end(event, .open) }
        }
        for transaction in old.prepared where !state.prepared.contains(where: { $0.number == transaction.number }) {
            for event in transaction.inserted where !kept.contains(event) { simulation.account.end(event, .rolledBack) }
        }
        beginLife()
        state.lastDrawn = Int64(simulation.draw(Int(state.durablyDrawn)...Int(state.lastDrawn + 32)))
        flush()
    }

    /// TRUNCATE … RESTART IDENTITY, once nobody writes.
    func truncate() {
        guard transactions.isEmpty, isUp else { return }
        simulation.note("TRUNCATE … RESTART IDENTITY")
        for event in state.rows.values { simulation.account.end(event, .deleted) }
        (state.rows, state.positions, state.lastDrawn, state.durablyDrawn) = ([:], [], 0, 0)
        state.identity.sequenceFile += 1
        standby = nil
    }

    /// Another table, with the same rows, takes the name; the sequence stays.
    func swapTable() {
        simulation.note("another table takes the events table's name")
        state.identity.table += 10
        flush()
    }

    /// An operator has understood why the source is refused: consumers begin at a position, or at their checkpoints.
    func accept(from position: Int64?) {
        simulation.note("accept-source, from \(position.map { "\($0)" } ?? "the checkpoints")")
        for consumer in state.tables.segments.indices {
            for segment in state.tables.segments[consumer].indices {
                state.tables.segments[consumer][segment].owner = nil
                state.tables.segments[consumer][segment].epoch += 1
                if let position { state.tables.segments[consumer][segment].checkpoint = position }
            }
            state.tables.recorded[consumer].identity = state.identity
            state.tables.recorded[consumer].refusal = nil
        }
        // What is parked there belongs to another log.
        if position != nil { state.tables.letters = [[:], [:]] }
        for segment in state.tables.owners.keys { state.tables.owners[segment]?.lineage = nil }
        simulation.account.acceptRepeats(at: simulation.now)
        flush()
    }
}
