import CoreMetrics
package import EventSourcing
package import Logging
package import Postgres

/// The settled horizon of a process, shared by its consumers, with the connection that looks for it.
package actor HorizonTracker {
    private let configuration: ConnectionConfiguration
    private let tables: TableNames
    private let logger: Logger
    private let holdThreshold: Duration
    private var horizon = SettledHorizon()
    private var connected: (connection: Connection, look: HorizonQuery)?
    private var looking: Task<Int64, any Error>?
    private var waitingSince: (position: Int64, since: ContinuousClock.Instant)?
    private var wasNamed = false
    private let metrics = HorizonMetrics()

    /// - Parameter holdThreshold: a writer that holds the horizon back for longer is named in the log, once.
    package init(
        _ configuration: ConnectionConfiguration, tables: TableNames, holdThreshold: Duration = .seconds(10),
        logger: Logger
    ) {
        self.configuration = configuration
        self.tables = tables
        self.holdThreshold = holdThreshold
        self.logger = logger
    }

    /// The horizon as far as it is known.
    package var position: Int64 { horizon.position }

    private var lastWriters: Set<Writer> = []

    /// The last position drawn, as of the last look.
    private(set) var lastDrawn: Int64 = 0

    private var lastVisible: Int64 = 0

    /// The highest position that was drawn or seen, as far as is known.
    var latest: Int64 { max(lastDrawn, lastVisible, horizon.position) }

    /// Where the horizon stands, without a look.
    func snapshot() -> HorizonStatus {
        let waiting = horizon.isWaiting ? waitingSince.map { ContinuousClock.now - $0.since } ?? .zero : nil
        let standing = HorizonStatus(position: horizon.position, latest: latest, waiting: waiting)
        metrics.position.set(standing.position)
        metrics.latest.set(standing.latest)
        metrics.waiting.set((standing.waiting ?? .zero) / .seconds(1))
        return standing
    }

    /// Whether some gap is waited for.
    package var isWaiting: Bool { horizon.isWaiting }

    /// Takes in positions that a feed saw, ascending, from right behind the horizon.
    package func sawContiguous(from first: Int64, through last: Int64) {
        if first <= horizon.position + 1 { horizon.settled(through: last) }
    }

    /// Looks at the database and gives the horizon. Callers that come while a look is under way share the next one: the
    /// running one may have begun before what the caller saw.
    ///
    /// - Parameter withPositions: also looks for positions that follow the horizon without a gap.
    package func look(withPositions: Bool) async throws -> Int64 {
        while let running = looking { _ = try? await running.value }
        // A bare task, so that the cancellation of one caller does not end what others wait for.
        // It takes itself away, as whoever waits for a finished task does not suspend, and would keep this actor for ever.
        let task = Task {
            defer { looking = nil }
            return try await lookOnce(withPositions: withPositions)
        }
        looking = task
        return try await task.value
    }

    /// The latest visible position, 0 for an empty table. Lower ones may still become visible.
    func latestPosition() async throws -> Int64 {
        let (connection, _) = try await session()
        do {
            lastVisible = try await connection.query(EventsTable(tables.events).latestPosition).first?.decode(0) ?? 0
            return lastVisible
        } catch {
            await startAnew()
            throw error
        }
    }

    /// Looks, and takes the writers seen into a fence: it settles at 1 once those of its first look have ended.
    func look(into fence: inout SettledHorizon) async throws {
        _ = try await look(withPositions: false)
        fence.look(lastDrawn: 1, writers: lastWriters)
    }

    /// Checks what the horizon rests on, without a look.
    package func prepare() async throws {
        _ = try await session()
    }

    package func close() async {
        await connected?.connection.close()
        connected = nil
    }

    /// What was settled on a connection that is lost counts for nothing on the next: see ``SettledHorizon``.
    private func startAnew() async {
        horizon = SettledHorizon()
        await close()
    }

    private func lookOnce(withPositions: Bool) async throws -> Int64 {
        let (connection, look) = try await session()
        do {
            let facts = try await look.take(on: connection, positionsBehind: withPositions ? horizon.position : nil)
            lastDrawn = facts.lastDrawn
            lastWriters = facts.writers
            horizon.look(lastDrawn: facts.lastDrawn, writers: facts.writers)
            horizon.sawVisible(facts.visiblePositions)
            try await nameHolders(look, on: connection)
            _ = snapshot()
        } catch {
            await startAnew()
            throw error
        }
        return horizon.position
    }

    private func session() async throws -> (connection: Connection, look: HorizonQuery) {
        if let connected { return connected }
        let connection = try await Connection.open(configuration, logger: logger)
        do throws(HorizonError) {
            do { try await connection.execute(script: EventsTable.readingSettings) } catch { throw .database(error) }
            let session = (connection, try await HorizonQuery(tables, on: connection))
            // Somebody else may have connected while this call waited.
            if let connected {
                await connection.close()
                return connected
            }
            connected = session
            return session
        } catch {
            await connection.close()
            throw error
        }
    }

    // MARK: Who holds it back

    /// Those who hold the horizon back at the moment.
    package func holds() async throws -> [HorizonHold] {
        guard horizon.isWaiting else { return [] }
        let (connection, look) = try await session()
        return try await look.describe(horizon.heldBackBy, on: connection)
    }

    private func nameHolders(_ look: HorizonQuery, on connection: Connection) async throws {
        guard horizon.isWaiting else {
            if wasNamed { logger.notice("the horizon moves again", metadata: ["position": "\(horizon.position)"]) }
            waitingSince = nil
            wasNamed = false
            return
        }
        guard let waiting = waitingSince, waiting.position == horizon.position else {
            waitingSince = (horizon.position, .now)
            return
        }
        guard !wasNamed, ContinuousClock.now - waiting.since > holdThreshold else { return }
        for hold in try await look.describe(horizon.heldBackBy, on: connection) {
            if !wasNamed { metrics.heldBack(by: hold) }
            wasNamed = true
            logger.warning(
                "events wait for an open transaction that may have drawn positions before them: \(hold)",
                metadata: ["position": "\(horizon.position)"])
        }
    }
}
