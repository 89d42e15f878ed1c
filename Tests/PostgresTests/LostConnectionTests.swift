import LocalPostgres
import Postgres
import TestSupport
import Testing

/// A server that is shut down at once says so in a notice and closes: what is sent after that fails while the notice is
/// still to be read.
@Suite struct LostConnectionTests {
    @Test(.timeLimit(.minutes(2)), arguments: [true, false])
    func `what is sent to a server that has gone is a lost connection`(bySocket: Bool) async throws {
        let cluster = try await LocalPostgres.start()
        do {
            let port = cluster.url.split(separator: ":").last?.split(separator: "/").first ?? ""
            let configuration = try ConnectionConfiguration(
                bySocket ? "host=\(cluster.socketDirectory) port=\(port) user=postgres dbname=postgres" : cluster.url)
            var connections: [Connection] = []
            for _ in 0..<4 { connections.append(try await Connection.open(configuration, logger: quiet)) }
            try await cluster.stopServer(.immediate)
            for (index, connection) in connections.enumerated() {
                let error = await #expect(throws: PostgresError.self) {
                    if index.isMultiple(of: 2) {
                        try await connection.query(Statement(name: "one", sql: "SELECT 1"))
                    } else {
                        let two = BoundStatement(Statement(name: "two", sql: "SELECT 2"))
                        try await connection.pipeline([two, two, two])
                    }
                }
                #expect(error?.isConnectionFailure == true, "\(String(describing: error))")
                #expect(await !connection.isUsable)
                await connection.close()
            }
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }
}
