public import EventSourcing
public import Logging
public import Postgres

/// The event store as a process's consumers see it: where it is, its settled horizon, and who is to be woken.
public final class EventSource: Sendable {
    let configuration: ConnectionConfiguration
    let tables: TableNames
    let horizon: HorizonTracker
    /// Whom a wakeup source wakes.
    public let wakeups = Wakeups()

    /// A source of events; it connects when it is first used.
    ///
    /// - Parameter holdThreshold: a writer that holds the horizon back for longer is named in the log.
    public init(
        _ configuration: ConnectionConfiguration, tables: TableNames = TableNames(),
        holdThreshold: Duration = .seconds(10), logger: Logger = Logger(label: "godwit.source")
    ) {
        self.configuration = configuration
        self.tables = tables
        self.horizon = HorizonTracker(configuration, tables: tables, holdThreshold: holdThreshold, logger: logger)
    }

    /// Checks that the events can be read safely: the table and its sequence exist and fit, and the server is no standby.
    ///
    /// - Throws: `HorizonError`, or `PostgresError` if the server is not there.
    public func check() async throws {
        try await horizon.prepare()
    }

    /// Looks for the latest position, so that what lags behind shows also where nobody reads.
    package func lookForLatest() async throws {
        _ = try await horizon.latestPosition()
    }

    /// Those who hold the horizon back at the moment.
    public func holds() async throws -> [HorizonHold] {
        try await horizon.holds()
    }

    /// Closes its connection.
    public func close() async {
        await horizon.close()
    }
}
