import EventSourcing
import KafkaBridge
import Postgres

/// Asks the database how all processes stand, on a connection of its own that is made when it is first needed.
actor StatusConnection {
    private let configuration: ConnectionConfiguration
    private let source: StatusSource
    private let letters: DeadLetters
    private var connection: Connection?

    init(_ database: ConnectionConfiguration, tables: TableNames, scopes: [String: EventScope]) {
        configuration = database
        letters = DeadLetters(tables)
        source = StatusSource(tables, scopes: scopes, backlogLimit: StatusReport.Options().backlogLimit)
    }

    /// - Returns: the failure where the database does not tell; the next call connects anew.
    func read() async -> Result<StatusSource.Picture, Failure> {
        do {
            let connection: Connection
            if let known = self.connection {
                connection = known
            } else {
                connection = try await Connection.open(configuration.session(for: .status))
                self.connection = connection
            }
            return .success(try await source.take(on: connection))
        } catch {
            await close()
            return .failure(Failure(error))
        }
    }

    /// Those that could not be delivered themselves.
    func deadLetters(of consumer: String, limit: Int) async -> [DeadLetter]? {
        // The connection is that of the last look, which was a moment ago.
        guard let connection else { return nil }
        let found = try? await letters.page(
            DeadLetterSelection(consumer: consumer), causesOnly: true, after: DeadLetterPlace(), limit: limit,
            on: connection)
        return found?.map(\.letter)
    }

    func close() async {
        let connection = connection
        self.connection = nil
        await connection?.close()
    }
}
