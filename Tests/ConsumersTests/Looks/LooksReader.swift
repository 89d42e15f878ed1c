import EventSourcing
import Postgres
import TestSupport

@testable import Consumers

/// A reader of the head without its surroundings: the real query, the real window, and looks of every kind in any order.
///
/// It reads in small pieces, so that many reads are cut.
struct LooksReader {
    private let connection: Connection
    private let query: HorizonQuery
    private let identity: StoreIdentity
    private var random: Seeded
    private var window: HeadWindow
    private var lastDrawn: Int64
    private var isMoreThere = false

    private(set) var looks = 0
    private(set) var jumps = 0
    /// The positions of the rows that came.
    private(set) var read: Set<Int64> = []
    /// Rows that came although they had come before, or had been passed.
    private(set) var repeated: [Int64] = []
    private(set) var refusals: [String] = []
    /// How far everything was released, with the number of the look that did it.
    private(set) var releases: [(look: Int, position: Int64)] = []

    var released: Int64 { window.released }
    var isAtEnd: Bool { window.released == lastDrawn }

    static func open(_ test: TestStore, seed: UInt64) async throws -> LooksReader {
        let connection = try await test.connect()
        try await connection.execute(script: EventsTable.readingSettings)
        let query = try await HorizonQuery(test.tables.source, on: connection)
        let snapshot = try await query.refresh(HorizonQuery.Request(includesWriters: true), on: connection)
        return LooksReader(
            connection: connection, query: query, identity: try query.identity(seen: snapshot.state),
            random: Seeded(seed), window: HeadWindow(released: 0), lastDrawn: snapshot.lastDrawn)
    }

    func close() async { await connection.close() }

    /// Looks once, at random.
    mutating func look() async throws {
        let isGapDue = window.hasGap && Bool.random(using: &random)
        let isTrailing = lastDrawn > window.readThrough && !isMoreThere && Int.random(in: 0..<4, using: &random) == 0
        let hasNews = Int.random(in: 0..<4, using: &random) > 0
        try await look(isGapDue: isGapDue, isTrailing: isTrailing, hasNews: hasNews)
        // As where much was settled that was not read: it is left to others, here to a read at once.
        if Int.random(in: 0..<8, using: &random) == 0 { try await jump() }
    }

    /// Looks at everything.
    mutating func lookAtAll() async throws {
        try await look(isGapDue: window.hasGap, isTrailing: lastDrawn > window.readThrough, hasNews: true)
    }

    private mutating func look(isGapDue: Bool, isTrailing: Bool, hasNews: Bool) async throws {
        let readsNewer = window.mayReadNewer && (hasNews || isMoreThere || isTrailing)
        let settlesTrailing = readsNewer && isTrailing
        let missing = isGapDue || readsNewer ? window.wanted : []
        if missing.isEmpty, !readsNewer { return }
        let limits = [3, 50, 4_000]
        let missingLimit = limits.randomElement(using: &random) ?? 3
        let newerLimit = limits.randomElement(using: &random) ?? 3
        var request = HorizonQuery.Request(includesWriters: isGapDue || settlesTrailing)
        if !missing.isEmpty {
            request.reads.append(
                query.events.readAll(in: missing, limit: missingLimit, bytes: 1 << 20, wanted: .all))
        }
        if readsNewer {
            request.reads.append(
                query.events.readAll(
                    after: window.readThrough, limit: newerLimit, bound: .cumulative(1 << 20), wanted: .all))
        }
        looks += 1
        let snapshot: HorizonSnapshot
        do throws(SourceError) {
            snapshot = try await query.refresh(request, on: connection)
            if try query.identity(seen: snapshot.state) != identity { refusals.append("another identity") }
        } catch {
            guard error.isRefusal else { throw error }
            refusals.append(error.description)
            return
        }
        lastDrawn = snapshot.lastDrawn
        if let horizon = snapshot.horizon { window.looked(lastDrawn: horizon.lastDrawn, writers: horizon.writers) }
        var reads = snapshot.reads[...]
        if !missing.isEmpty, let rows = reads.popFirst() {
            let positions = try take(rows)
            window.readMissing(positions, in: missing, isCut: positions.count >= missingLimit)
        }
        if readsNewer, let rows = reads.popFirst() {
            let positions = try take(rows)
            isMoreThere = positions.count >= newerLimit
            let drawn = settlesTrailing && !isMoreThere ? snapshot.horizon?.lastDrawn ?? 0 : 0
            window.readNewer(positions, through: max(drawn, positions.last ?? 0))
        }
        noteRelease()
    }

    private mutating func jump() async throws {
        let before = window.released
        guard window.jumpToHorizon() else { return }
        jumps += 1
        noteRelease()
        let rows = try await connection.query(
            query.events.read(after: before, through: window.released, limit: 1_000_000, scope: .all))
        read.formUnion(try EventBatch(rows).map(\.globalPosition))
    }

    private mutating func take(_ rows: ResultSet) throws -> [Int64] {
        let positions = try EventBatch(rows).map(\.globalPosition)
        for position in positions {
            if position > lastDrawn { refusals.append("\(position) is above \(lastDrawn)") }
            if position <= window.released || !read.insert(position).inserted { repeated.append(position) }
        }
        return positions
    }

    private mutating func noteRelease() {
        if window.released > releases.last?.position ?? 0 { releases.append((looks, window.released)) }
    }
}
