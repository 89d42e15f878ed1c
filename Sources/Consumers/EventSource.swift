import CoreMetrics
public import EventSourcing
public import Logging
public import Postgres
import Telemetry

/// The event store as a process's consumers see it: where it is, its settled horizon, and what wakes its reader.
public final class EventSource: Sendable {
    let configuration: ConnectionConfiguration
    let tables: TableNames
    let reader: LogReader
    /// The connection that dead letters are kept over.
    package let side = SideSession()
    /// How the consumers fare at the moment, for work beside them.
    package let liveFlow = LiveFlow()
    /// Woken with each heartbeat while a job waits for this process, where it looks for jobs.
    package let jobsWaiting = WakeSignal()
    /// Connections that read what is behind, at most.
    package static let laneConnections = ReadPlan.lanes
    /// What a wakeup source wakes.
    public let wakeups: Wakeups

    /// A source of events; it connects when it is first used.
    ///
    /// - Parameter holdThreshold: a writer that holds the horizon back for longer is named in the log.
    public init(
        _ configuration: ConnectionConfiguration, tables: TableNames = TableNames(),
        holdThreshold: Duration = .seconds(10), logger: Logger = Logger(label: "godwit.source")
    ) {
        var configuration = configuration
        configuration.connections =
            configuration.connections
            ?? OpenConnections { [givenUp = Metric.connectionsGivenUp.counter()] in givenUp.increment() }
        self.configuration = configuration
        self.tables = tables
        let reader = LogReader(configuration, tables: tables, holdThreshold: holdThreshold, logger: logger)
        self.reader = reader
        wakeups = Wakeups { reader.noteNews() }
    }

    /// Checks that the events can be read safely: the table and its sequence exist and fit, and the server is no standby.
    ///
    /// - Throws: `SourceError`, or `PostgresError` if the server is not there.
    public func check() async throws {
        try await reader.check()
    }

    /// Looks for the latest position, so that what lags behind shows also where nothing is read.
    package func lookForLatest() async throws {
        try await reader.look()
    }

    /// Those who hold the horizon back at the moment.
    public func holds() async throws -> [HorizonHold] {
        try await reader.holds()
    }

    /// Closes its connections.
    public func close() async {
        await reader.close()
    }
}
