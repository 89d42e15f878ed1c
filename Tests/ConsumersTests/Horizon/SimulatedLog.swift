import TestSupport

@testable import Consumers

/// A table of events, the sequence of its positions, and concurrent writers, as far as PostgreSQL promises anything.
///
/// Each step is one that others may come before or after. The promises, and nothing else: `nextval` takes the sequence's
/// lock before it draws; the top transaction keeps that lock to its end; what it inserted becomes visible at its commit,
/// before its locks are released; a prepared transaction survives a restart with its locks.
struct SimulatedLog {
    private struct Transaction {
        var writer: Writer
        var holdsSequence = false
        var holdsTable = false
        /// Drawn and not inserted; any later statement may insert them.
        var drawn: [Int64] = []
        var inserted: [Int64] = []
        /// What ROLLBACK TO goes back to: the rows and the table's lock. The sequence's lock stays.
        var savepoints: [(inserted: Int, holdsTable: Bool)] = []
        /// Committed, but its locks are not released yet.
        var isVisible = false
    }

    /// Whose lock a look lists.
    enum Lock {
        case sequence, table
    }

    private(set) var lastDrawn: Int64 = 0
    private var transactions: [Transaction] = []
    /// By position.
    private var isVisible: [Bool] = [false]
    private var nextVirtual = 1
    private var nextTransaction = 700
    /// Servers before 14.1 give a prepared transaction another virtual id at once, later ones only when they restart.
    private let keepsVirtualID: Bool

    init(keepsVirtualID: Bool) {
        self.keepsVirtualID = keepsVirtualID
    }

    // MARK: What a look sees

    func writers(holding lock: Lock = .sequence) -> Set<Writer> {
        Set(transactions.filter { lock == .sequence ? $0.holdsSequence : $0.holdsTable }.map(\.writer))
    }

    /// The visible positions in a range, ascending.
    func visible(in range: ClosedRange<Int64>) -> [Int64] {
        range.clamped(to: 0...max(0, lastDrawn)).filter { isVisible[Int($0)] && range.contains($0) }
    }

    /// Drawn by a transaction that may still make them visible.
    var undecided: [Int64] { transactions.filter { !$0.isVisible }.flatMap { $0.drawn + $0.inserted } }

    // MARK: What happens

    mutating func begin() {
        guard transactions.count < 8 else { return }
        transactions.append(
            Transaction(writer: Writer(virtualTransaction: "3/\(nextVirtual)", isPrepared: false)))
        nextVirtual += 1
    }

    /// Some transaction does something.
    ///
    /// - Returns: the positions that became visible.
    mutating func step(_ random: inout Seeded) -> [Int64] {
        guard let index = transactions.indices.randomElement(using: &random) else { return [] }
        if transactions[index].isVisible {
            transactions.remove(at: index)
            return []
        }
        let choice = Int.random(in: 0..<18, using: &random)
        if transactions[index].writer.isPrepared || choice >= 14 { return end(index, choice) }
        write(index, choice, &random)
        return []
    }

    private mutating func write(_ index: Int, _ choice: Int, _ random: inout Seeded) {
        var transaction = transactions[index]
        defer { transactions[index] = transaction }
        switch choice {
        case 0...3 where transaction.holdsSequence:  // nextval; the program may use the number, now, later or never
            lastDrawn += 1
            isVisible.append(false)
            transaction.drawn.append(lastDrawn)
        case 0...3, 4: transaction.holdsSequence = true  // the first half of nextval; currval
        case 5...8 where transaction.holdsTable:  // INSERT with a number that was drawn before
            guard let index = transaction.drawn.indices.randomElement(using: &random) else { return }
            transaction.inserted.append(transaction.drawn.remove(at: index))
        case 5...8, 9: transaction.holdsTable = true  // the first half of INSERT; UPDATE, DELETE
        case 10:  // a table outside, filled and attached by this transaction: no RowExclusiveLock on the parent
            transaction.inserted += transaction.drawn
            transaction.drawn = []
        case 11 where transaction.savepoints.count < 3:
            transaction.savepoints.append((transaction.inserted.count, transaction.holdsTable))
        case 12:  // ROLLBACK TO: the program may insert the same numbers once more
            guard let savepoint = transaction.savepoints.popLast() else { return }
            transaction.drawn += transaction.inserted.dropFirst(savepoint.inserted)
            transaction.inserted.removeLast(transaction.inserted.count - savepoint.inserted)
            transaction.holdsTable = savepoint.holdsTable
        default: break
        }
    }

    private mutating func end(_ index: Int, _ choice: Int) -> [Int64] {
        switch choice {
        case 14, 15:
            transactions[index].isVisible = true
            for position in transactions[index].inserted { isVisible[Int(position)] = true }
            return transactions[index].inserted
        case 16: transactions.remove(at: index)
        case 17 where !transactions[index].writer.isPrepared:
            let id = keepsVirtualID ? transactions[index].writer.virtualTransaction : newPreparedID()
            transactions[index].writer = Writer(virtualTransaction: id, isPrepared: true)
            transactions[index].drawn = []
        default: break
        }
        return []
    }

    private mutating func newPreparedID() -> String {
        nextTransaction += 1
        return "-1/\(nextTransaction)"
    }

    /// The server crashes and starts anew: what was not prepared has gone, virtual ids begin anew, and the sequence goes
    /// on behind what is there, or behind the values that it had logged ahead.
    mutating func restart(_ random: inout Seeded) {
        transactions.removeAll { $0.isVisible || !$0.writer.isPrepared }
        for index in transactions.indices {
            transactions[index].writer = Writer(virtualTransaction: newPreparedID(), isPrepared: true)
        }
        nextVirtual = 1
        let there = max(
            Int64(isVisible.lastIndex(of: true) ?? 0), transactions.flatMap(\.inserted).max() ?? 0)
        lastDrawn = Int64.random(in: there...(lastDrawn + 32), using: &random)
        while isVisible.count <= Int(lastDrawn) { isVisible.append(false) }
        isVisible.removeLast(isVisible.count - Int(lastDrawn) - 1)
    }

    /// All transactions end, committed or not.
    mutating func endAll(_ random: inout Seeded) -> [Int64] {
        var appeared: [Int64] = []
        for index in transactions.indices where !transactions[index].isVisible && Bool.random(using: &random) {
            appeared += end(index, 14)
        }
        transactions = []
        return appeared
    }
}
